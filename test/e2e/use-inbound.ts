import { beforeAll } from 'vitest';
import { freePorts } from '../../dev/services/ports.ts';
import type { World } from '../../dev/world/world.ts';

/** Trunks that calls come in by, as many as are to call at a time: an address makes one call. Gives their ports. */
export function useInboundTrunks(world: () => World, count = 1): (index?: number) => number {
  let ports: readonly number[] = [];
  beforeAll(async () => {
    ports = await freePorts(count);
    const { server_id, database } = world();
    const common = { server_id, name: 'Entrada', host: '127.0.0.1', max_concurrent_calls: 10, priority: 9 };
    const values = ports.map((port, index) => ({ ...common, code: `in${index}`, port }));
    await database.db.insertInto('trunks').values(values).execute();
  });
  return (index = 0) => ports[index] ?? 0;
}

interface Owner {
  readonly id: string;
  readonly reseller_id: string;
}

let serial = 0;

/** A number of its own that rings a line, or a group, of this subscriber. The switch has yet to hear of it. */
export async function addNumber(
  { database }: World,
  { id: subscriber_id, reseller_id }: Owner,
  target: { readonly target_line_id: string } | { readonly target_group_id: string },
): Promise<string> {
  serial += 1;
  const number = `+5511400${String(serial).padStart(5, '0')}`;
  await database.db
    .insertInto('dids')
    .values({ reseller_id, subscriber_id, number, ...target })
    .execute();
  return number;
}

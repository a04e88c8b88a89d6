import { blockCalls } from '../../admin/block-calls.ts';
import { type BlockLinks, LINK_ms } from '../../admin/block-links.ts';
import {
  createBlockLinkRoute,
  createBlockRoute,
  liftBlockRoute,
  listBlocksRoute,
} from '../../contract/blocks.ts';
import { say } from '../../contract/language.ts';
import { ProblemError } from '../../contract/problem.ts';
import { levelOf, type Permissions } from '../../domain/permissions.ts';
import type { Role } from '../../domain/tenant.ts';
import { type BlockRow, findBlock, liftBlock, listBlocks } from '../../stores/postgres/blocks.ts';
import { notFound } from '../../stores/postgres/edit.ts';
import type { Tx } from '../../stores/postgres/ledger.ts';
import type { Binder } from '../bind.ts';

const isInForce = (row: BlockRow) => row.lifted_at === null && row.ends_at.getTime() > Date.now();

/** Nobody lifts what was placed above; a subscriber only what the brake placed, and only if it may. */
function mayLift({ origin }: BlockRow, role: Role, permissions: Permissions | null): boolean {
  if (role === 'MASTER') return true;
  if (role === 'RESELLER') return origin !== 'MASTER';
  return origin === 'BRAKE' && levelOf(permissions, 'section.blocks') === 'WRITE';
}

function present(row: BlockRow, role: Role, permissions: Permissions | null) {
  const isStaff = role !== 'SUBSCRIBER';
  return {
    ...row,
    detail: row.detail && { ...row.detail, signs: [...row.detail.signs] },
    created_by: isStaff ? row.created_by : null,
    lifted_by: isStaff ? row.lifted_by : null,
    created_at: row.created_at.toISOString(),
    ends_at: row.ends_at.toISOString(),
    lifted_at: row.lifted_at?.toISOString() ?? null,
    can_lift: isInForce(row) && mayLift(row, role, permissions),
  };
}

async function one(tx: Tx, block_id: string): Promise<BlockRow> {
  const row = await findBlock(tx, block_id);
  if (!row) throw notFound();
  return row;
}

function requireInForce(row: BlockRow): void {
  if (!isInForce(row))
    throw new ProblemError('CONFLICT', say('the block is over already', 'o bloqueio já terminou'));
}

export function addBlockRoutes({ bind }: Binder, { links }: { readonly links: BlockLinks }): void {
  bind(listBlocksRoute, async ({ tx, viewer, query, permissions }) => {
    const { items, next_cursor } = await listBlocks(tx, query, query);
    return { items: items.map((row) => present(row, viewer.tenant.role, permissions)), next_cursor };
  });

  bind(createBlockRoute, async ({ tx, viewer, body, permissions }) => {
    const id = await blockCalls(tx, viewer.tenant, viewer.actor.name, body);
    return present(await one(tx, id), viewer.tenant.role, permissions);
  });

  bind(liftBlockRoute, async ({ tx, viewer, params: { block_id }, permissions }) => {
    const { role } = viewer.tenant;
    const row = await one(tx, block_id);
    requireInForce(row);
    if (!mayLift(row, role, permissions))
      throw new ProblemError(
        'FORBIDDEN',
        say(
          'this block was placed by somebody above you',
          'este bloqueio foi feito por alguém acima de você',
        ),
      );
    await liftBlock(tx, block_id, viewer.actor.name);
    return present(await one(tx, block_id), role, permissions);
  });

  bind(createBlockLinkRoute, async ({ tx, params: { block_id } }) => {
    const row = await one(tx, block_id);
    requireInForce(row);
    if (row.origin !== 'BRAKE')
      throw new ProblemError(
        'CONFLICT',
        say('only blocks of the brake have links', 'só bloqueios do freio têm link'),
      );
    const expires_at = Math.min(Date.now() + LINK_ms, row.ends_at.getTime());
    const path = `/unblock/${links.tokenFor(block_id, expires_at)}`;
    return { path, expires_at: new Date(expires_at).toISOString() };
  });
}

import { parseArgs } from 'node:util';
import { createUser } from '../admin/create-user.ts';
import { textSchema, usernameSchema } from '../contract/fields.ts';
import type { Tenant } from '../domain/tenant.ts';
import type { Tx } from '../stores/postgres/ledger.ts';
import { COMMAND, changeAsSystem } from '../stores/postgres/tenancy.ts';
import { type Command, oneWord, UsageError, withDatabase } from './command.ts';

async function tenantNamed(tx: Tx, reseller: string | undefined): Promise<Tenant> {
  if (reseller === undefined) return { role: 'MASTER' };
  const rows = await tx.selectFrom('resellers').select('id').where('name', '=', reseller).execute();
  const [row] = rows;
  if (!row) throw new UsageError(`there is no reseller called ${reseller}`);
  if (rows.length > 1) throw new UsageError(`there are several resellers called ${reseller}`);
  return { role: 'RESELLER', reseller_id: row.id };
}

/** The first user of an installation is made here: there is no default password anywhere. */
export const createUserCommand: Command = {
  usage: 'USERNAME [--name "FULL NAME"] [--reseller "NAME"]',
  summary: 'creates a user of the platform operator, or of a reseller, and prints its password once',
  async run(args) {
    const { positionals, values } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { name: { type: 'string' }, reseller: { type: 'string' } },
    });
    const parsed = usernameSchema.safeParse(oneWord(positionals, 'USERNAME'));
    if (!parsed.success) throw new UsageError('USERNAME is 3 to 64 letters, digits and . _ @ -');
    const username = parsed.data;
    const name = textSchema(120).safeParse(values.name ?? username);
    if (!name.success) throw new UsageError('--name is 1 to 120 characters on one line');
    const { password } = await withDatabase((db) =>
      changeAsSystem(db, COMMAND, async (tx) => {
        const tenant = await tenantNamed(tx, values.reseller);
        return createUser(tx, tenant, { username, name: name.data, email: null });
      }),
    );
    return { lines: [password ?? ''] };
  },
};

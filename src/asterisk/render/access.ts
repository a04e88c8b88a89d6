import { exact, setting } from './quote.ts';
import type { AccessRow } from './rows.ts';

/** The control plane as a user of the REST interface. */
export function renderAriUser(access: AccessRow): string[] {
  const { user, password } = checked(access, 'ARI access');
  return [`[${user}]`, 'type=user', 'read_only=no', setting('password', password, user)];
}

/**
 * The control plane as a user of the manager interface, with the least that Setvar, AbsoluteTimeout, Hangup (call),
 * DBGetTree and DBDelTree (system) need. No events: those come over ARI.
 */
export function renderManagerUser(access: AccessRow): string[] {
  const { user, password } = checked(access, 'AMI access');
  return [
    `[${user}]`,
    setting('secret', password, user),
    'deny=0.0.0.0/0.0.0.0',
    'permit=127.0.0.1/255.255.255.255',
    'read=',
    'write=call,system',
  ];
}

function checked({ user, password }: AccessRow, row: string): AccessRow {
  return {
    user: exact('accessUser', user, { row, field: 'user' }),
    password: exact('password', password, { row, field: 'password' }),
  };
}

import type { Migration } from 'kysely/migration';
import { up as first } from './0001-first.ts';
import { up as tenants } from './0002-tenants.ts';
import { up as money } from './0003-money.ts';
import { up as control } from './0004-control.ts';
import { up as watch } from './0005-watch.ts';

/** Every migration by name, in the order of the names. Forward only. */
export const MIGRATIONS: Record<string, Migration> = {
  '0001-first': { up: first },
  '0002-tenants': { up: tenants },
  '0003-money': { up: money },
  '0004-control': { up: control },
  '0005-watch': { up: watch },
};

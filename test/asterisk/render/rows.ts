import { createHash } from 'node:crypto';
import type { LineRow, ServerRows, TrunkRow } from '../../../src/asterisk/render/rows.ts';

export const SUBSCRIBER = '11111111-1111-4111-8111-111111111111';
export const PASSWORD = 'password-of-the-control-plane';
export const SIP_PASSWORD = 'pw';

/** A line with whatever a test says about it, and the rest plausible. */
export function lineRow(changes: Partial<LineRow> = {}): LineRow {
  const sip_username = changes.sip_username ?? 'phone1';
  return {
    sip_username,
    sip_ha1: createHash('md5').update(`${sip_username}:pabx:${SIP_PASSWORD}`).digest('hex'),
    subscriber_id: SUBSCRIBER,
    extension: '201',
    name: 'Recepção',
    active: true,
    ...changes,
  };
}

export function trunkRow(changes: Partial<TrunkRow> = {}): TrunkRow {
  return { code: 'carrier', host: '127.0.0.1', port: 15_060, ...changes };
}

export function serverRows(changes: Partial<ServerRows> = {}): ServerRows {
  return {
    server: { name: 'srv1' },
    ari: { user: 'pabx', password: PASSWORD },
    ami: { user: 'pabx', password: PASSWORD },
    lines: [lineRow()],
    trunks: [trunkRow()],
    numbers: [],
    forwards: [],
    groups: [],
    ...changes,
  };
}

import { createHmac } from 'node:crypto';

export interface SwitchAccess {
  readonly user: string;
  readonly ari_password: string;
  readonly ami_password: string;
}

/**
 * How the control plane signs in to one switch. Derived from the installation's secret, so that the database
 * holds no password and every switch has its own; the switch gets it with its configuration.
 */
export function accessOf(secret: string, server_id: string): SwitchAccess {
  const derive = (use: string) =>
    createHmac('sha256', secret).update(`${use} ${server_id}`).digest('base64url');
  return { user: 'pabx', ari_password: derive('ari'), ami_password: derive('ami') };
}

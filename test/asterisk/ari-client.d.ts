/** The part of ari-client that the adapter uses; the package brings no types. */
declare module 'ari-client' {
  import type { EventEmitter } from 'node:events';

  interface Client extends EventEmitter {
    start(applications: string, subscribeAll: boolean): Promise<void>;
    stop(): void;
    readonly applications: { filter(options: { applicationName: string; filter: object }): Promise<unknown> };
    readonly events: { userEvent(options: { eventName: string; application: string }): Promise<void> };
    readonly channels: {
      list(): Promise<unknown[]>;
      continueInDialplan(options: Record<string, string | number>): Promise<void>;
      hangup(options: Record<string, string | number>): Promise<void>;
      snoopChannelWithId(options: Record<string, string>): Promise<unknown>;
      setChannelVar(options: Record<string, string>): Promise<void>;
      play(options: Record<string, string>): Promise<unknown>;
    };
  }
  const ari: { connect(url: string, user: string, password: string): Promise<Client> };
  export default ari;
}

/** A channel as ARI lists it: what is needed to tell which call it belongs to. */
export interface AriChannel {
  readonly id: string;
  readonly name: string;
  readonly state: string;
  readonly creationtime: string;
  /** As the other side sent it. */
  readonly caller?: { readonly number: string };
  readonly dialplan: { readonly context: string; readonly exten: string };
  /** Variables named in `channelvars` of ari.conf; empty strings when unset. */
  readonly channelvars?: Readonly<Record<string, string>>;
}

/**
 * What call control asks of a switch over ARI (Asterisk REST Interface). Two adapters implement it and one
 * conformance suite runs against both.
 */
export interface AriPort {
  /** Every channel that exists now. */
  channels(): Promise<AriChannel[]>;
  /** When the switch was started, by its own clock. */
  startedAt(): Promise<number>;
  /** Leaves Stasis for this place of the dialplan. False when the channel is gone or not in Stasis. */
  continueAt(channel_id: string, context: string, extension: string): Promise<boolean>;
  /** Hangs up any channel with this Q.850 cause. False when it is gone. */
  hangUp(channel_id: string, q850: number): Promise<boolean>;
  /** Plays a tone to the party of this channel and to nobody else; the call goes on. False when the channel is gone. */
  whisper(channel_id: string, tone: Tone): Promise<boolean>;
  /** Whether events still come to us, and no other client has taken the application over. Asks the switch. */
  isListening(): Promise<boolean>;
  close(): void;
}

export interface Tone {
  /**
   * Hz and milliseconds as indications.conf has them, `!` before what is played once, `|` between them: a comma would
   * begin another piece of media. `!1400/200|!0/100|!1400/200` are two beeps.
   */
  readonly cadence: string;
  /** How long it takes in all: with it ends what the switch set up for it, whoever is there to see to it. */
  readonly seconds: number;
}

export interface AriOptions {
  /** Base of the HTTP server, `http://127.0.0.1:8088`. */
  readonly url: string;
  readonly user: string;
  readonly password: string;
  readonly application: string;
  /** Types of events to be sent; but for those of the connection itself, all others are kept back by the switch. */
  readonly eventTypes: readonly string[];
  /** Called in the order in which the switch sent them, and never awaited. */
  readonly onEvent: (event: unknown) => void;
  /** The event socket is lost; the connection is of no use any more. Called once. */
  readonly onLost: (reason: Error) => void;
}

export type ConnectAri = (options: AriOptions) => Promise<AriPort>;

/** ARI answered with a status that says neither done nor gone. */
export class AriError extends Error {
  readonly status: number;
  constructor(operation: string, status: number, body: string) {
    super(`ARI ${operation} answered ${status}: ${body.slice(0, 200)}`);
    this.name = 'AriError';
    this.status = status;
  }
}

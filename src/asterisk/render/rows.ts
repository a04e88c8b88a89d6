/** What the configuration of one server is made of: what the database knows, and what only a secret store knows. */
export interface ServerRows {
  readonly server: { readonly name: string };
  /** The control plane's own access to this server's REST interface. */
  readonly ari: AccessRow;
  /** The same for its manager interface. */
  readonly ami: AccessRow;
  readonly lines: readonly LineRow[];
  /** In order of priority: emergency calls try them one after the other. */
  readonly trunks: readonly TrunkRow[];
  readonly numbers: readonly NumberRow[];
  readonly forwards: readonly ForwardRow[];
  readonly groups: readonly GroupRow[];
}

export interface AccessRow {
  readonly user: string;
  readonly password: string;
}

export interface LineRow {
  readonly sip_username: string;
  /** MD5 of `<sip_username>:pabx:<password>`, in hexadecimal. */
  readonly sip_ha1: string;
  readonly subscriber_id: string;
  readonly extension: string;
  readonly name: string;
  /** False: the server does not know the line at all. A suspended line is active: it may call emergency numbers. */
  readonly active: boolean;
}

export interface TrunkRow {
  readonly code: string;
  readonly host: string;
  readonly port: number;
}

/** A number that can be called from outside, and the line that it rings. */
export interface NumberRow {
  /** E.164 with `+`. */
  readonly number: string;
  readonly sip_username: string;
}

/** Where the calls of a line go on to: digits, with a leading `+` or without. null: nowhere. */
export interface ForwardRow {
  readonly sip_username: string;
  readonly always: string | null;
  readonly busy: string | null;
  readonly no_answer: string | null;
  /** How long it rings before that. */
  readonly no_answer_seconds: number;
  readonly offline: string | null;
}

/** Lines that ring together, or one after the other. */
export interface GroupRow {
  readonly code: string;
  readonly subscriber_id: string;
  readonly extension: string;
  readonly strategy: 'ALL' | 'ORDER';
  readonly ring_seconds: number;
  /** SIP users, by their places; null: that place rings nobody. */
  readonly members: readonly (string | null)[];
  /** SIP user of the line that rings after them. */
  readonly overflow: string | null;
  /** Numbers that ring it, E.164 with `+`. */
  readonly numbers: readonly string[];
}

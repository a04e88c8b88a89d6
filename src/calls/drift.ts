/** How a switch, our memory and Redis may disagree about a call. */
export const DRIFT_KINDS = [
  /** We take it for running, and its switch does not have it. */
  'NOT_ON_SWITCH',
  /** It was let go and runs, and we do not know it. */
  'NOT_KNOWN',
  /** Redis keeps its slots and its money, and nobody else knows it. */
  'ONLY_IN_REDIS',
  /** It runs, and Redis keeps no slots and no money for it. */
  'NOT_IN_REDIS',
] as const;
export type DriftKind = (typeof DRIFT_KINDS)[number];

/** Ids of calls, by how they are in disagreement. */
export type Drift = Readonly<Record<DriftKind, readonly string[]>>;

interface Known {
  readonly call_id: string;
  /** Redis is to know it. */
  readonly registered: boolean;
}

/** One server's calls as each tells them. */
export interface Sight {
  /** In our memory before the others were asked, and after. What ran at both times ran in between. */
  readonly before: readonly Known[];
  readonly after: readonly Known[];
  readonly redis: readonly string[];
  /** Every channel there is, and those of calls that were let go. */
  readonly channels: ReadonlySet<string>;
  readonly let_go: readonly string[];
}

export function compareSights({ before, after, redis, channels, let_go }: Sight): Drift {
  const still = new Set(after.map(({ call_id }) => call_id));
  const known = new Set([...before.map(({ call_id }) => call_id), ...still]);
  const throughout = before.filter(({ call_id }) => still.has(call_id));
  const stored = new Set(redis);
  const ids = (calls: readonly Known[]) => calls.map(({ call_id }) => call_id);
  return {
    NOT_ON_SWITCH: ids(throughout.filter(({ call_id }) => !channels.has(call_id))),
    NOT_KNOWN: let_go.filter((id) => !known.has(id)),
    ONLY_IN_REDIS: redis.filter((id) => !known.has(id) && !channels.has(id)),
    NOT_IN_REDIS: ids(throughout.filter(({ call_id, registered }) => registered && !stored.has(call_id))),
  };
}

export type DriftCounts = Readonly<Record<DriftKind, number>>;

const each = <T>(value: (kind: DriftKind) => T) =>
  Object.fromEntries(DRIFT_KINDS.map((kind) => [kind, value(kind)])) as Record<DriftKind, T>;

export const NO_DRIFT: DriftCounts = each(() => 0);

/** Keeps what was found per server. */
export interface DriftKeeper {
  /**
   * What of this is true: an end that was heard while we asked is not in the lists any more, so that everything but
   * NOT_ON_SWITCH counts when it is found twice in a row.
   */
  confirm(server_id: string, found: Drift): Drift;
  /** How many calls of a server were found to drift last, and ever. */
  counts(server_id: string): { readonly now: DriftCounts; readonly ever: DriftCounts };
}

export function createDriftKeeper(): DriftKeeper {
  const suspects = new Map<string, Drift>();
  const kept = new Map<string, { now: DriftCounts; ever: DriftCounts }>();
  return {
    confirm(server_id, found) {
      const before = suspects.get(server_id);
      suspects.set(server_id, found);
      const confirmed = each((kind) =>
        kind === 'NOT_ON_SWITCH' ? found[kind] : found[kind].filter((id) => before?.[kind].includes(id)),
      );
      const now = each((kind) => confirmed[kind].length);
      const ever = kept.get(server_id)?.ever ?? NO_DRIFT;
      kept.set(server_id, { now, ever: each((kind) => ever[kind] + now[kind]) });
      return confirmed;
    },
    counts: (server_id) => kept.get(server_id) ?? { now: NO_DRIFT, ever: NO_DRIFT },
  };
}

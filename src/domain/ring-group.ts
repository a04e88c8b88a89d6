/** How the phones of a group ring: all at once, or one after the other. */
export const RING_STRATEGIES = ['ALL', 'ORDER'] as const;
export type RingStrategy = (typeof RING_STRATEGIES)[number];

/** As many as the name of an extension has room to say of each whether it is left out. */
export const MOST_MEMBERS = 16;

/** Lines of a subscriber that ring for one number, as the decision reads them. */
export interface GroupFacts {
  readonly group_id: string;
  /** Its name in the dialplan. */
  readonly code: string;
  readonly name: string;
  readonly extension: string;
  /** SIP users of its active lines, in their order. */
  readonly members: readonly string[];
  /** SIP user of the line that rings when nobody of them answered; null: none does. */
  readonly overflow: string | null;
}

/** The line that stands for a group until one answers. null: it has nobody. */
export function standIn(group: GroupFacts): string | null {
  return group.members[0] ?? group.overflow;
}

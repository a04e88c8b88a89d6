/** The closed list of what a dialled number can be. Prices, permissions and bundles hang on these names. */
export const DIALLED_CLASSES = [
  'FIXED_LOCAL',
  'FIXED_LDN',
  'MOBILE_LOCAL',
  'MOBILE_LDN',
  'INTL_FIXED',
  'INTL_MOBILE',
  'INTERNAL',
  'EMERGENCY',
  'PUBLIC_UTILITY',
  'TOLL_FREE',
  'SHARED_COST',
  'PREMIUM',
  'COLLECT',
  'INTL_SPECIAL',
] as const;

export type DialledClass = (typeof DIALLED_CLASSES)[number];

/**
 * What a call can be. INBOUND: it came in over a trunk, for a number of ours, and nobody dialled it here. A class of its
 * own, because that of its caller would be read as one that is paid for, and many callers show no number.
 */
export const CALL_CLASSES = [...DIALLED_CLASSES, 'INBOUND'] as const;

export type CallClass = (typeof CALL_CLASSES)[number];

/** The classes a minute bundle (franquia) may cover: each is a slot of its own. */
export const BUNDLE_SLOTS = [
  'FIXED_LOCAL',
  'FIXED_LDN',
  'MOBILE_LOCAL',
  'MOBILE_LDN',
  'INTL_FIXED',
  'INTL_MOBILE',
] as const satisfies readonly CallClass[];

export type BundleSlot = (typeof BUNDLE_SLOTS)[number];

/**
 * `slot`: the bundle slot the class draws from; `free`: never priced, whatever the sales plan says; `abroad`: to another
 * country.
 */
export type CallClassFacts = {
  readonly slot: BundleSlot | null;
  readonly free: boolean;
  readonly abroad: boolean;
};

const bundled = (slot: BundleSlot, abroad = false): CallClassFacts => ({ slot, free: false, abroad });
const free: CallClassFacts = { slot: null, free: true, abroad: false };
const pricedOnly: CallClassFacts = { slot: null, free: false, abroad: false };

/**
 * Facts per class. EMERGENCY is free by ANATEL Res. 738/2020 (RST art. 65-A); TOLL_FREE is paid by the called party;
 * INTERNAL never leaves the platform; INBOUND is paid where it comes from.
 */
export const CALL_CLASS_FACTS: Readonly<Record<CallClass, CallClassFacts>> = {
  FIXED_LOCAL: bundled('FIXED_LOCAL'),
  FIXED_LDN: bundled('FIXED_LDN'),
  MOBILE_LOCAL: bundled('MOBILE_LOCAL'),
  MOBILE_LDN: bundled('MOBILE_LDN'),
  INTL_FIXED: bundled('INTL_FIXED', true),
  INTL_MOBILE: bundled('INTL_MOBILE', true),
  INTERNAL: free,
  EMERGENCY: free,
  PUBLIC_UTILITY: pricedOnly,
  TOLL_FREE: free,
  SHARED_COST: pricedOnly,
  PREMIUM: pricedOnly,
  COLLECT: pricedOnly,
  INTL_SPECIAL: { ...pricedOnly, abroad: true },
  INBOUND: free,
};

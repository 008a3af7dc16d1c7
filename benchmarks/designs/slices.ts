/**
 * Slices of stores and marks that an owner grants a vCPU. Odd ones are long, for a collection to fall into; even ones are
 * short, so that they do not store again to all the pages of the one before.
 */
export const LONG_SLICE = 4000;
export const SHORT_SLICE = 40;

/** Words: how many are granted, begun and ended; a cache line each. */
export const Slices = { Granted: 0, Begun: 16, Ended: 32, words: 48 } as const;

/** What a thread does before it is ready. */
export const WARM_SLICES = 1000;

/**
 * Slices of stores and marks that an owner grants to a vCPU. Odd slices are long, so that a collection falls into them;
 * even slices are short, so that they do not store again to all pages of the slice before.
 */
export const LONG_SLICE = 4000;
export const SHORT_SLICE = 40;

/** Indices of the shared words that count the granted, begun and ended slices; each has its own cache line. */
export const Slices = { Granted: 0, Begun: 16, Ended: 32, words: 48 } as const;

/** Slices that a thread does to warm up before it is ready. */
export const WARM_SLICES = 1000;

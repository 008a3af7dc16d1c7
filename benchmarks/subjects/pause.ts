/** How an owner stops a vCPU: words that both have, a cache line each. */
export const Pause = { Asked: 0, Standing: 16, words: 32 } as const;

/** What is explored, and how. */

/**
 * Every strategy decides who goes next. `exhaustive` tries everything, or everything with at most so many `preemptions`
 * (switches away from a thread that could go on), and `naive`ly every schedule even where two lead to one state; `pct` runs threads by random priorities that change `depth - 1` times
 * (Burckhardt et al., "A Randomized Scheduler with Probabilistic Guarantees of Finding Bugs", 2010); `replay` does as it
 * is told.
 */
export type Strategy =
  | { readonly kind: 'exhaustive'; readonly preemptions?: number; readonly naive?: boolean }
  | { readonly kind: 'random'; readonly seed: number }
  | { readonly kind: 'pct'; readonly seed: number; readonly depth: number }
  | { readonly kind: 'replay'; readonly schedule: string };

/** Sequential consistency, or the store buffers of x86. */
export type MemoryModel = 'sc' | 'tso';

export interface Plan {
  /** A key of `SCENARIOS`. */
  readonly scenario: string;
  /** A planted bug: a key of `SABOTAGES` or of `MUTANTS`. */
  readonly sabotage?: string;
  readonly model: MemoryModel;
  readonly strategy: Strategy;
  /** Stop after so many schedules. */
  readonly maxSchedules: number;
}

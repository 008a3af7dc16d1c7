/** A question: the default export of each file in questions/. */
import type { Figure } from './figure.js';
import type { Plan } from './plan.js';

export interface Question {
  readonly title: string;
  /** Expected seconds on a machine with two cores, to estimate the time left: once, and for each round. */
  readonly seconds: readonly [once: number, aRound: number];
  /** Whether a quick run asks this question too. */
  readonly quick?: boolean;
  /**
   * Measures. Runs in a process of its own, so that no other question affects the compiled code or the heap.
   * @param rounds how often the contenders are measured in turn
   */
  ask(rounds: number, plan: Plan): Promise<Figure[]>;
}

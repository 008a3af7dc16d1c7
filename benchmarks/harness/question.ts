/** One file of questions/ has one of these as its default export. */
import type { Figure } from './figure.js';
import type { Plan } from './plan.js';

export interface Question {
  readonly title: string;
  /** What it takes, for the time left of a run: seconds once and a round, of a machine with two cores. */
  readonly seconds: readonly [once: number, aRound: number];
  /** Whether a quick run asks it, too. */
  readonly quick?: boolean;
  /**
   * Measures. Runs in a process of its own, so that no other question has shaped the compiled code or the heap.
   * @param rounds how often everything that is compared is measured in turn
   */
  ask(rounds: number, plan: Plan): Promise<Figure[]>;
}

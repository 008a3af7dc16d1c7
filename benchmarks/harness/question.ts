/** One file of questions/ has one of these as its default export. */
import type { Figure } from './figure.js';
import type { Plan } from './plan.js';

export interface Question {
  readonly title: string;
  /**
   * Measures. Runs in a process of its own, so that no other question has shaped the compiled code or the heap.
   * @param rounds how often everything that is compared is measured in turn
   */
  ask(rounds: number, plan: Plan): Promise<Figure[]>;
}

/** In the order of the report. Each is a file of questions/. */
export const QUESTIONS = [
  'designs',
  'contention-patterns',
  'contention-owner',
  'mark-page',
  'mark-address',
  'mark-across-blocks',
  'mark-generated',
  'mark-masks',
  'mark-tracked',
  'first-touch',
  'quiescent',
  'read-sections',
  'attach-detach',
  'extend',
  'plug',
  'hotplug-while-marking',
  'grace-period',
  'grace-periods',
  'callbacks',
  'replug',
  'resident-memory',
  'collect',
  'collect-density',
  'range-marks',
  'find-next',
  'marks-during-harvest',
  'swap-threshold',
  'dirty-rate',
  'dirty-limit',
  'runs',
  'framebuffer',
] as const;

export type QuestionName = (typeof QUESTIONS)[number];

/** What a quick run asks. */
export const QUICK_QUESTIONS: readonly QuestionName[] = [
  'designs',
  'contention-patterns',
  'contention-owner',
  'mark-page',
  'mark-address',
  'first-touch',
  'quiescent',
  'grace-period',
  'range-marks',
];

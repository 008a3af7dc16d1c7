/** What questions take, for the time left of a run: seconds once and a round, of a machine with two cores. */
import type { QuestionName } from './question.js';

export const EXPECTED_SECONDS: Partial<Record<QuestionName, readonly [once: number, aRound: number]>> = {
  designs: [3, 0.8],
  'contention-patterns': [4, 6],
  'contention-owner': [4, 5],
  'mark-page': [0.1, 0.1],
  'mark-address': [0.2, 0.1],
  'mark-across-blocks': [0.5, 0.2],
  'first-touch': [0.2, 0.1],
  quiescent: [0.2, 0.1],
  extend: [2.5, 0.3],
  plug: [1.5, 0.2],
  'hotplug-while-marking': [2, 1],
  'grace-period': [0.5, 0.2],
  replug: [4, 0],
  'resident-memory': [0, 0.4],
  collect: [3, 4],
  'range-marks': [1, 0.4],
  'find-next': [1, 0.4],
  'marks-during-harvest': [2, 1],
  'swap-threshold': [1.5, 1.2],
};

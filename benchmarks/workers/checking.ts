/**
 * Checks designs, in a thread of its own: the odd mixture of operations of a check shapes the compiled code, and a mark
 * that is measured after it in the same thread took twice as long.
 */
import { checkSteps, stepsOf } from '../designs/check-steps.js';
import { checkThreads } from '../designs/check-threads.js';
import { DESIGNS, type DesignName } from '../designs/designs.js';
import { threadData } from '../harness/threads.js';

export interface Checking {
  readonly designs: readonly DesignName[];
}

for (const name of threadData<Checking>().designs) {
  await checkSteps(DESIGNS[name], stepsOf(2000, 1));
  await checkThreads(name, DESIGNS[name], 10);
}

/**
 * Checks designs in a thread of its own. The mixture of operations in a check affects the compiled code: in the same
 * thread, a mark that was measured after a check took twice as long.
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

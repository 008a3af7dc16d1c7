/** Checks the machines that an embedder passes, and their page sizes. */
import { checkMethods, checkPowerOfTwo, wrongType } from '../base/errors.js';
import { isDirtyMemory } from '../dirty-memory.js';
import { DIGEST_WORDS } from './digest.js';
import type { StoppableMachine } from './hooks.js';

/**
 * @throws TypeError unless it is a `StoppableMachine`; RangeError for its page size; UsageError unless its engine is
 *   open
 */
export function checkStoppable(operation: string, machine: StoppableMachine): void {
  checkMethods(operation, 'machine', machine, ['contents', 'pause', 'resume', 'saveState']);
  const { memory } = machine;
  if (!isDirtyMemory(memory)) {
    throw wrongType(operation, 'machine.memory', memory, 'a DirtyMemory of the same copy of this package');
  }
  memory.rcu.lifecycle.check(operation);
  checkPageSize(operation, memory.pageSize);
}

/** Digests take 16 bytes at a time. @throws TypeError, RangeError */
export function checkPageSize(operation: string, pageSize: number): void {
  checkPowerOfTwo(operation, 'pageSize', pageSize, 4 * DIGEST_WORDS, 2 ** 30);
}

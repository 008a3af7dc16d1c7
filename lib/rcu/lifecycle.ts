/** Whether an engine takes requests: one for all its parts. */
import type { Words } from '../arena/words.js';
import { memoryGrown, UsageError } from '../errors.js';

export class Lifecycle {
  /** While closing, what is under way goes on and nothing new is begun. */
  state: 'open' | 'closing' | 'closed' = 'open';
  private readonly words: Words;

  constructor(words: Words) {
    this.words = words;
  }

  /** @throws UsageError unless open, and the memory is where it was */
  check(operation: string): void {
    if (this.state !== 'open') throw new UsageError(`${operation}: the engine is ${this.state}`);
    this.checkMemory(operation);
  }

  /** @throws UsageError when the memory is gone, open or not */
  checkMemory(operation: string): void {
    if (this.words.length === 0) throw memoryGrown(operation);
  }
}

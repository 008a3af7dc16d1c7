/** Whether an engine takes requests: one for all its parts. */
import type { Words } from '../arena/words.js';
import { memoryGrown, UsageError } from '../base/errors.js';

export class Lifecycle {
  /** While closing, what is under way goes on and nothing new is begun. */
  state: 'open' | 'closing' | 'closed' = 'open';
  private readonly words: Words;
  private readonly refusals = new WeakSet<object>();

  constructor(words: Words) {
    this.words = words;
  }

  /** @throws UsageError unless open, and the memory is where it was */
  check(operation: string): void {
    if (this.state !== 'open') {
      const refusal = new UsageError(`${operation}: the engine is ${this.state}`);
      this.refusals.add(refusal);
      throw refusal;
    }
    this.checkMemory(operation);
  }

  /** As `check`, but lets what is under way go on while the engine closes. @throws UsageError once it is closed */
  checkNotClosed(operation: string): void {
    if (this.state === 'closed') this.check(operation);
    this.checkMemory(operation);
  }

  /** Is this the error with which something was refused because the engine closes? */
  hasRefusedWith(error: unknown): boolean {
    return error instanceof UsageError && this.refusals.has(error);
  }

  /** @throws UsageError when the memory is gone, open or not */
  checkMemory(operation: string): void {
    // Growing a memory that is not shared detaches its buffer; plain reads would all give undefined.
    if (this.words.length === 0) throw memoryGrown(operation);
  }
}

/** Whether an engine accepts calls. All parts of an engine share one `Lifecycle`. */
import type { Words } from '../arena/words.js';
import { memoryGrown, UsageError } from '../base/errors.js';

export class Lifecycle {
  /** In the state 'closing', operations that are under way go on, and new ones are refused. */
  state: 'open' | 'closing' | 'closed' = 'open';
  private readonly words: Words;
  private readonly refusals = new WeakSet<object>();

  constructor(words: Words) {
    this.words = words;
  }

  /** @throws UsageError unless the engine is open and its memory still attached */
  check(operation: string): void {
    if (this.state !== 'open') {
      const refusal = new UsageError(`${operation}: the engine is ${this.state}`);
      this.refusals.add(refusal);
      throw refusal;
    }
    this.checkMemory(operation);
  }

  /** As `check`, but also allows the state 'closing', for operations under way. @throws UsageError once it is closed */
  checkNotClosed(operation: string): void {
    if (this.state === 'closed') this.check(operation);
    this.checkMemory(operation);
  }

  /** Is this an error with which `check` refused a call because the engine was closing or closed? */
  hasRefusedWith(error: unknown): boolean {
    return error instanceof UsageError && this.refusals.has(error);
  }

  /** @throws UsageError when the memory was grown, in any state of the engine */
  checkMemory(operation: string): void {
    // Growing an unshared memory detaches its buffer, and then every plain read gives undefined.
    if (this.words.length === 0) throw memoryGrown(operation);
  }
}

/** Whether an engine takes requests: one for all its parts. */
import type { Words } from '../arena/words.js';
import { UsageError } from '../errors.js';

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
    // Growing a memory that is not shared detaches its buffer; plain reads would all give undefined.
    if (this.words.length === 0) throw new UsageError(`${operation}: the engine's memory has been grown`);
  }
}

/** Whether an engine takes requests: one for all its parts. */
import { UsageError } from '../errors.js';

export class Lifecycle {
  /** While closing, what is under way goes on and nothing new is begun. */
  state: 'open' | 'closing' | 'closed' = 'open';

  /** @throws UsageError unless open */
  check(operation: string): void {
    if (this.state !== 'open') throw new UsageError(`${operation}: the engine is ${this.state}`);
  }
}

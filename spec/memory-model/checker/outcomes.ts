/** The different outcomes of a litmus test's valid executions. */
import type { Seen } from './event.js';
import type { Litmus } from './litmus.js';
import type { Execution, Model } from './model.js';

export class Outcomes {
  /** How many valid executions there are: none means that the test shows nothing. */
  readonly executions: number = 0;
  private readonly witnesses = new Map<string, Execution>();

  constructor(litmus: Litmus, model: Model) {
    for (const execution of model.executions(litmus)) {
      this.executions++;
      const key = JSON.stringify(execution.seen);
      if (!this.witnesses.has(key)) this.witnesses.set(key, execution);
    }
  }

  get all(): Seen[] {
    return [...this.witnesses.values()].map(({ seen }) => seen);
  }

  /** @returns a valid execution with such an outcome, if there is any */
  find(predicate: (seen: Seen) => boolean): Execution | undefined {
    return [...this.witnesses.values()].find(({ seen }) => predicate(seen));
  }
}

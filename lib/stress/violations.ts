/** Findings of the oracles, and the list of violations of a run. */

export interface Finding {
  /** Name of the oracle. */
  readonly oracle: string;
  readonly detail: string;
}

export interface Violation extends Finding {
  /** Seconds after the start of the run. */
  readonly second: number;
}

/** @returns the oracle for an unexpected error of the engine: what the error is a sign of */
export function oracleOf(error: unknown): string {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  // A reader that takes the poison of a freed table for a block's index accesses a word outside the arena.
  if (name === 'CorruptionError' || message.includes('Invalid atomic access index')) return 'use-after-free';
  // There are enough slots, unless the slots of dead threads stay taken.
  if (name === 'ArenaFullError' || message.includes('at most maxReaders')) return 'leak';
  if (message.includes('are not all RAM')) return 'mark-refused';
  return 'unexpected-error';
}

export function asFinding(what: string, error: unknown): Finding {
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { oracle: oracleOf(error), detail: `${what}: ${detail}` };
}

/** Collects findings. The first finding ends the run. */
export class Violations {
  readonly list: Violation[] = [];
  private began = performance.now();
  private readonly onFirst: () => void;

  constructor(onFirst: () => void) {
    this.onFirst = onFirst;
  }

  /** Starts the clock for `second`. */
  startClock(): void {
    this.began = performance.now();
  }

  report(oracle: string, detail: string): void {
    this.list.push({ oracle, detail, second: (performance.now() - this.began) / 1000 });
    if (this.list.length === 1) this.onFirst();
  }

  get any(): boolean {
    return this.list.length > 0;
  }
}

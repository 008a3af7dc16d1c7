/** What the oracles find. */

export interface Finding {
  /** Which oracle. */
  readonly oracle: string;
  readonly detail: string;
}

export interface Violation extends Finding {
  /** Seconds after the start of the run. */
  readonly second: number;
}

/** Collects findings; the first ends the run. */
export class Violations {
  readonly list: Violation[] = [];
  private began = performance.now();
  private readonly onFirst: () => void;

  constructor(onFirst: () => void) {
    this.onFirst = onFirst;
  }

  /** Times count from here. */
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

/** Estimates how long the runs that have no result will take, one after the other. */
import type { KindName } from './kinds.js';
import type { Run } from './run.js';

/** What a run needs to start and to end its threads, until the first of its kind has ended. */
const USUAL_OVERHEAD_SECONDS = 2;

interface OfKind {
  /** Of the runs that are left, how many there are, and how long they should take by themselves. */
  left: number;
  seconds: number;
  /** Runs that have ended, and how much longer they took than they should, in all: less where they are given plenty. */
  ended: number;
  overhead: number;
}

export class TimeLeft {
  private readonly kinds = new Map<KindName, OfKind>();

  add(run: Run): void {
    const kind = this.of(run);
    kind.left++;
    kind.seconds += run.seconds;
  }

  /** @param run that was added, and has its result now */
  done(run: Run, wallSeconds: number): void {
    const kind = this.of(run);
    kind.left--;
    kind.seconds -= run.seconds;
    kind.ended++;
    kind.overhead += wallSeconds - run.seconds;
  }

  get seconds(): number {
    let sum = 0;
    for (const { left, seconds, ended, overhead } of this.kinds.values()) {
      const each = ended === 0 ? USUAL_OVERHEAD_SECONDS : overhead / ended;
      sum += Math.max(0, seconds + left * each);
    }
    return sum;
  }

  private of({ kind }: Run): OfKind {
    const known = this.kinds.get(kind);
    if (known !== undefined) return known;
    const fresh: OfKind = { left: 0, seconds: 0, ended: 0, overhead: 0 };
    this.kinds.set(kind, fresh);
    return fresh;
  }
}

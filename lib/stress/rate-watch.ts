/**
 * Checks each reader's dirty rate against the thread's own account (marks.ts), within two bounds:
 *
 * - A measurement counts at least what the reader turned dirty while the client's bits were borrowed, which is the
 * measured time.
 * - A measurement counts at most what the reader turned dirty since a moment one grace period before the measurement
 * began. The reader has reported since that moment, so everything earlier was counted before.
 *
 * Readers that attached during the measurement are not checked.
 */
import { MIGRATION } from '../dirty/client.js';
import type { Collector } from '../dirty/collector.js';
import type { ReaderRate } from '../rate/measurement.js';
import type { Account, Guest } from './guest.js';

/** The accounts of all threads at one moment. */
type Accounts = readonly (Account | undefined)[];

export class RateWatch {
  /** How often a reader's rate was checked, in measurements during which the reader turned pages dirty. */
  compared = 0;
  private readonly guest: Guest;
  private readonly threads: number;
  private settled: Accounts = [];
  private before: Accounts = [];
  /** Least number of pages that each thread turned dirty in the windows of this measurement. */
  private inWindows: number[] = [];

  /** @param threads how many threads mark */
  constructor(guest: Guest, threads: number) {
    this.guest = guest;
    this.threads = threads;
  }

  /** Hooks into the collector, to learn when a measurement borrows bits and when it puts them back. */
  plantIn(collector: Collector): Collector {
    const { borrow } = collector;
    collector.borrow = (operation, bitmap) => {
      const giveBack = borrow.call(collector, operation, bitmap);
      if (bitmap.client !== MIGRATION) return giveBack;
      let opened: Accounts | undefined;
      // Read the accounts after this step, because the engine may still read the readers' counts in it.
      queueMicrotask(() => {
        opened = this.accounts();
      });
      return () => {
        if (opened !== undefined) this.addWindow(opened);
        giveBack();
      };
    };
    return collector;
  }

  /** To be called before a wait for a grace period. @returns a function to call when the grace period has ended */
  beforePeriod(): () => void {
    const accounts = this.accounts();
    return () => {
      this.settled = accounts;
    };
  }

  /** To be called when a measurement begins. */
  begin(): void {
    this.before = this.settled;
    this.inWindows = new Array(this.threads).fill(0);
  }

  /** @returns how a measurement that has just ended is wrong about a reader, if it is wrong */
  judge(readers: readonly ReaderRate[]): string | undefined {
    const after = this.accounts();
    for (const { name, pages } of readers) {
      const [, index, tenancy] = /^(?:vcpu|device)(\d+)\.(\d+)$/.exec(name) ?? [];
      const [began, ended] = [this.before[Number(index)], after[Number(index)]];
      if (began?.tenancy !== Number(tenancy) || ended?.tenancy !== Number(tenancy)) continue;
      const least = this.inWindows[Number(index)] as number;
      const most = (ended.atMost - began.atMost) >>> 0;
      if (least > 0) this.compared++;
      if (least <= pages && pages <= most) continue;
      return `the measurement counted ${pages} pages of ${name}, which turned ${least} dirty while it was measured, and at most ${most} in all`;
    }
    return undefined;
  }

  private addWindow(opened: Accounts): void {
    const closed = this.accounts();
    for (let index = 0; index < this.threads; index++) {
      const [from, to] = [opened[index], closed[index]];
      if (from === undefined || from.tenancy !== to?.tenancy) continue;
      this.inWindows[index] = (this.inWindows[index] as number) + ((to.atLeast - from.atLeast) >>> 0);
    }
  }

  private accounts(): Accounts {
    return Array.from({ length: this.threads }, (_, index) => this.guest.account(index));
  }
}

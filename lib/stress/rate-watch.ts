/**
 * Dirty rates by reader, held against the threads' own accounts (marks.ts), within bounds that hold whatever the engine
 * does between:
 *
 * - A measurement counts at least what the reader has turned dirty while the client's bits were borrowed: that is the time
 *   which is measured.
 * - It counts no more than the reader has turned since a moment that lies a grace period before the measurement began. The
 *   reader has reported since, and so what it had turned until that moment was counted already.
 *
 * Readers that came meanwhile are left out.
 */
import { MIGRATION } from '../dirty/client.js';
import type { Collector } from '../dirty/collector.js';
import type { ReaderRate } from '../rate/measurement.js';
import type { Account, Guest } from './guest.js';

/** Those of all threads at one moment. */
type Accounts = readonly (Account | undefined)[];

export class RateWatch {
  /** Of readers that were held against their accounts, in a measurement in which they turned pages dirty. */
  compared = 0;
  private readonly guest: Guest;
  private readonly threads: number;
  private settled: Accounts = [];
  private before: Accounts = [];
  /** Pages that each thread has turned, at least, in the windows of this measurement. */
  private inWindows: number[] = [];

  /** @param threads how many mark */
  constructor(guest: Guest, threads: number) {
    this.guest = guest;
    this.threads = threads;
  }

  /** Hears of the windows: what a measurement takes away, and when it puts that back. */
  plantIn(collector: Collector): Collector {
    const { borrow } = collector;
    collector.borrow = (operation, bitmap) => {
      const giveBack = borrow.call(collector, operation, bitmap);
      if (bitmap.client !== MIGRATION) return giveBack;
      let opened: Accounts | undefined;
      // Not in this step, in which the readers' counts may still be looked at.
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

  /** Before a grace period is waited for. @returns to be called when it has ended */
  beforePeriod(): () => void {
    const accounts = this.accounts();
    return () => {
      this.settled = accounts;
    };
  }

  /** A measurement begins. */
  begin(): void {
    this.before = this.settled;
    this.inWindows = new Array(this.threads).fill(0);
  }

  /** @returns how a measurement that has just ended is wrong about a reader, if it is */
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
      return `measured were ${pages} pages of ${name}, which turned ${least} dirty while it was measured, and at most ${most} in all`;
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

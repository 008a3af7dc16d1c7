/**
 * Pre-copy: while the machine runs, sends all RAM, then the pages that became dirty meanwhile, and so on, until the
 * pages that remain can be sent within the allowed downtime.
 */
import { MigrationError } from '../migration-error.js';
import type { Link } from '../wire/link.js';
import type { Convergence } from './convergence.js';
import type { DirtyPages } from './dirty-pages.js';
import type { OutgoingRam } from './outgoing-ram.js';
import type { PageSender } from './page-sender.js';
import { areUncounted, type CountedPages, describeUncounted, type UncountedPages } from './uncounted.js';

/** The parts of the source that rounds use. */
export interface RoundParts {
  readonly link: Link;
  readonly ram: OutgoingRam;
  readonly dirty: DirtyPages;
  readonly sender: PageSender;
  readonly convergence: Convergence;
  /** Undefined when the machine has a `throttle` hook, for which counts do not matter. */
  readonly counted: CountedPages | undefined;
  /**
   * Is called once, when vCPUs are limited but most of the dirtied pages are not counted, so that no limit holds them.
   */
  readonly warn: (uncounted: UncountedPages) => void;
  readonly pageSize: number;
  readonly downtimeMs: number;
}

/** How many bytes must have been measured in round 1 before the link's speed counts as known. */
const ENOUGH = 2 ** 16;

export class Rounds {
  /** 1 while the first copy of all RAM is sent; 0 before. */
  round = 0;
  dirtyPagesPerSecond = 0;
  private readonly parts: RoundParts;
  private readonly report: (boundary: boolean) => void;
  private roundTripMs = 0;
  private collectedAt = 0;
  private pagesNew = 0;
  /** The counts of the last round, if most of its pages were not counted. */
  private uncounted: UncountedPages | undefined;
  private warned = false;

  /** @param report is called at the boundaries of rounds and after each chunk */
  constructor(parts: RoundParts, report: (boundary: boolean) => void) {
    this.parts = parts;
    this.report = report;
  }

  /** The downtime to expect if the machine were paused now; Infinity while unknown. */
  get expectedDowntimeMs(): number {
    const { dirty, link, pageSize } = this.parts;
    const bytes = dirty.toSend.pages * pageSize;
    const { bytesPerSecond, bytesMeasured } = link.flow;
    if (this.round === 0 || (this.round === 1 && bytesMeasured < ENOUGH)) return Infinity;
    if (bytes === 0) return this.roundTripMs;
    return bytesPerSecond === 0 ? Infinity : (bytes / bytesPerSecond) * 1000 + this.roundTripMs;
  }

  /**
   * Resolves when the remaining pages fit into the downtime.
   * @throws (rejects) the link's failure; errors of engine and hooks
   */
  async run(): Promise<void> {
    const { link, dirty, convergence, pageSize, downtimeMs } = this.parts;
    for (;;) {
      await this.measureRoundTrip();
      if (this.round === 0) link.flow.forgetRate(); // the time that the greetings took says nothing about the link
      await this.catchUp();
      await this.collect();
      if (this.round > 1) {
        const hope = await convergence.judge(this.dirtyPagesPerSecond * pageSize, link.flow.bytesPerSecond);
        if (dirty.toSend.pages === 0 || this.expectedDowntimeMs <= downtimeMs) return;
        if (!hope) throw this.hopeless();
      }
      await this.sendAll();
      await link.until(link.flow.allTaken());
    }
  }

  /** Sends all pages of the set, and tells the destination of RAM that comes and goes meanwhile. */
  async sendAll(): Promise<void> {
    const { link, sender } = this.parts;
    for (;;) {
      await this.catchUp();
      const chunk = sender.next();
      if (chunk === undefined) return;
      for (const message of chunk) await link.send(message);
      this.report(false);
      await link.rest(); // gives turns to the stream, timers and all other code
    }
  }

  /** Tells the destination of changes, until it knows the engine's RAM as it is in the step that ends this. */
  async catchUp(): Promise<void> {
    const { link, ram, dirty } = this.parts;
    while (ram.behind) for (const message of ram.catchUp(dirty.toSend)) await link.send(message);
  }

  /**
   * Measures the round trip when the peer has taken everything. It is measured in each round, since otherwise a peer
   * that was slow once would delay the end for ever.
   */
  private async measureRoundTrip(): Promise<void> {
    const { link } = this.parts;
    const began = performance.now();
    await link.send({ type: 'alive' });
    await link.until(link.flow.allTaken());
    this.roundTripMs = performance.now() - began;
  }

  private async collect(): Promise<void> {
    const { dirty, ram } = this.parts;
    const added = await dirty.collect();
    const now = performance.now();
    const appeared = ram.pagesNew - this.pagesNew;
    this.pagesNew = ram.pagesNew;
    // Pages that are dirty because they are new were not dirtied by the guest (QEMU's fb613580).
    const dirtied = this.round === 0 ? 0 : Math.max(0, added - appeared);
    this.dirtyPagesPerSecond = (dirtied / Math.max(now - this.collectedAt, 0.001)) * 1000;
    this.collectedAt = now;
    this.compareCounts(dirtied);
    this.round++;
    this.report(true);
  }

  /** After a round in which vCPUs were limited, the counts show whether pages are dirtied outside the limits. */
  private compareCounts(dirtied: number): void {
    const { counted, convergence, warn } = this.parts;
    const compared = counted?.compare(dirtied);
    this.uncounted = compared !== undefined && areUncounted(compared) ? compared : undefined;
    if (this.warned || this.uncounted === undefined || convergence.share === 0) return;
    this.warned = true;
    warn(this.uncounted);
  }

  /**
   * For the message of a migration that is cancelled.
   * @returns what keeps it from its end and what to do, with a leading separator; '' unless the guest is too fast
   */
  get obstacle(): string {
    const { convergence } = this.parts;
    if (this.round < 2 || !convergence.isTooFast) return '';
    const slower = convergence.enabled ? '' : 'leave autoConverge on, or ';
    return `; ${this.speeds}. To let it end, ${slower}${this.advice}`;
  }

  private get speeds(): string {
    const { link, pageSize } = this.parts;
    const sent = (link.flow.bytesPerSecond / pageSize).toFixed(0);
    return `the guest dirties ${this.dirtyPagesPerSecond.toFixed(0)} pages a second, and ${sent} can be sent`;
  }

  private get advice(): string {
    const { downtimeMs } = this.parts;
    return `allow a downtimeMs above ${downtimeMs}, use a faster link, or have the guest do less while it is migrated`;
  }

  private hopeless(): MigrationError {
    const { convergence } = this.parts;
    const slowed = `although its vCPUs are slowed down by a share of ${convergence.share}`;
    const told = 'the guest dirties pages faster than they can be sent';
    const why = this.uncounted === undefined ? '' : `: ${describeUncounted(this.uncounted)}`;
    return new MigrationError('convergence', `${this.speeds}, ${slowed}${why}. To let it end, ${this.advice}`, {
      told,
    });
  }
}

/** The consumers of dirty pages: a follower, a rewinder, states in the browser's files, and rates. */
import type { DirtyRate } from 'dirtymem';
import { element, input, say, sayOfSlider } from '../dom.js';
import { duration } from '../numbers.js';
import type { Panel } from '../panel.js';
import { RecentChart } from '../recent-chart.js';
import type { Session } from '../session.js';
import { quantile } from '../time/quantile.js';
import { measureRates } from './rates.js';
import { RewindView } from './rewind-view.js';
import { SavedView } from './saved-view.js';

const HARVESTS = [0, 1, 5, 20, 50, 100, 200, Number.POSITIVE_INFINITY];
const LIMITS = [100, 300, 1000, 3000, 10_000, 30_000, undefined];
const EVERY_MS = 400;

export class ConsumersPanel implements Panel {
  private readonly failed: (error: Error) => void;
  private readonly rewind: RewindView;
  private readonly saved: SavedView;
  private readonly blocks = new RecentChart('#block-rates');
  private readonly readers = new RecentChart('#reader-rates');
  private session: Session | undefined;
  private at = 0;
  private harvests = 0;

  constructor(failed: (error: Error) => void) {
    this.failed = failed;
    this.rewind = new RewindView(failed);
    this.saved = new SavedView(failed);
    input('#harvest-rate').addEventListener('input', () => this.setRates());
    input('#dirty-limit').addEventListener('input', () => this.setRates());
  }

  attach(session: Session): void {
    this.session = session;
    this.harvests = 0;
    this.blocks.clear();
    this.readers.clear();
    this.rewind.attach(session);
    this.saved.attach(session);
    this.setRates();
    measureRates(
      session.machine.memory,
      () => session.ended,
      (rate) => this.show(rate),
    ).catch((error) => {
      if (!session.ended) this.failed(error);
    });
  }

  frame(now: number): void {
    const { session } = this;
    if (session === undefined || now - this.at < EVERY_MS) return;
    const { follower } = session;
    const perSecond = ((follower.harvests - this.harvests) * 1000) / (now - this.at);
    this.harvests = follower.harvests;
    this.at = now;
    const took = [...follower.durations].sort((a, b) => a - b);
    const said =
      took.length === 0
        ? 'No harvest yet.'
        : `${perSecond.toFixed(0)} harvests/s, of ${follower.pages} pages the last; each took ` +
          `${duration(quantile(took, 0.5))} (p50), ${duration(quantile(took, 0.99))} (p99).`;
    say(element('#follower-said'), said);
  }

  private setRates(): void {
    const harvests = HARVESTS[Number(input('#harvest-rate').value)] as number;
    sayOfSlider('#harvest-rate', harvests === 0 ? 'none' : Number.isFinite(harvests) ? String(harvests) : 'all it can');
    this.session?.follower.setRate(harvests);
    const limit = LIMITS[Number(input('#dirty-limit').value)];
    sayOfSlider('#dirty-limit', limit === undefined ? 'none' : String(limit));
    this.session?.machine.memory.limitDirtyRate(limit);
  }

  private show({ blocks, readers }: DirtyRate): void {
    this.blocks.add(new Map(blocks.map(({ id, pagesPerSecond }) => [id, pagesPerSecond])));
    this.readers.add(new Map(readers.map(({ name, pagesPerSecond }) => [name, pagesPerSecond])));
  }
}

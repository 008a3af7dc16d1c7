import { expect } from 'chai';
import type { ClientBitmap } from '../../lib/dirty/client-bitmap.js';
import type { Collector } from '../../lib/dirty/collector.js';
import { MIGRATION } from '../../lib/index.js';
import { Guest } from '../../lib/stress/guest.js';
import { RateWatch } from '../../lib/stress/rate-watch.js';

/** Of a measurement, as it looks to the watch. */
async function measure(watch: RateWatch, collector: Collector, inWindow: () => void): Promise<void> {
  watch.begin();
  const giveBack = collector.borrow('measureDirtyRate', { client: MIGRATION } as ClientBitmap);
  await Promise.resolve();
  inWindow();
  giveBack();
}

describe('what is measured by reader, held against what the reader did', () => {
  let guest: Guest;
  let watch: RateWatch;
  let collector: Collector;
  beforeEach(() => {
    guest = Guest.withPages(1);
    watch = new RateWatch(guest, 2);
    collector = watch.plantIn({ borrow: () => () => {} } as unknown as Collector);
    guest.openAccount(0, 3);
    guest.enter(0, 100, 100);
    watch.beforePeriod()();
  });

  const judge = (pages: number, name = 'vcpu0.3'): string | undefined =>
    watch.judge([{ identity: 1, name, pages, pagesPerSecond: pages, seconds: 1, limit: undefined }]);

  it('is right between what it turned while it was measured, and what it turned in all', async () => {
    guest.enter(0, 105, 110);
    await measure(watch, collector, () => guest.enter(0, 125, 130));
    guest.enter(0, 130, 140);
    expect([20, 30, 40].map((pages) => judge(pages))).to.deep.equal([undefined, undefined, undefined]);
    expect(watch.compared).to.equal(3);
  });

  it('is wrong where pages of the window are missing', async () => {
    await measure(watch, collector, () => guest.enter(0, 120, 120));
    expect(judge(19)).to.include('19 pages of vcpu0.3, which turned 20 dirty');
  });

  it('is wrong where it is more than the reader has turned', async () => {
    await measure(watch, collector, () => guest.enter(0, 120, 125));
    expect(judge(26)).to.include('at most 25 in all');
  });

  it('adds up all windows of a measurement, and forgets those of the one before', async () => {
    await measure(watch, collector, () => guest.enter(0, 120, 120));
    await measure(watch, collector, () => guest.enter(0, 130, 130));
    expect(judge(10)).to.equal(undefined);
    const giveBack = collector.borrow('measureDirtyRate', { client: MIGRATION } as ClientBitmap);
    await Promise.resolve();
    guest.enter(0, 135, 135);
    giveBack();
    expect(judge(14)).to.include('15 dirty');
  });

  it('counts from before the last grace period that had ended when it began', async () => {
    guest.enter(0, 110, 110);
    const afterPeriod = watch.beforePeriod();
    watch.begin();
    afterPeriod();
    expect(judge(10)).to.equal(undefined);
    watch.begin();
    expect(judge(10)).to.include('at most 0 in all');
  });

  it('leaves out readers that came meanwhile, and those that keep no account', async () => {
    watch.begin();
    guest.openAccount(0, 4);
    expect(judge(1_000, 'vcpu0.4')).to.equal(undefined);
    expect(judge(1_000, 'vcpu0.3')).to.equal(undefined);
    expect(judge(1_000, 'vcpu1.0')).to.equal(undefined);
    expect(judge(1_000, 'visitor')).to.equal(undefined);
    expect(watch.compared).to.equal(0);
  });
});

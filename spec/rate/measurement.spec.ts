import { expect } from 'chai';
import { Header, Meter } from '../../lib/arena/layout.js';
import { engineOf } from '../../lib/dirty-memory.js';
import {
  ArenaFullError,
  type Client,
  CODE,
  type DirtyMemory,
  GracePeriodTimeout,
  MIGRATION,
  type RamBlock,
  UsageError,
  VGA,
} from '../../lib/index.js';
import { attachVcpu, type Vcpu } from '../../lib/vcpu.js';
import {
  cleanAll,
  describeEngines,
  dirtyPages,
  foreignVcpu,
  PAGE,
  pagesOf,
  range,
  reportUntil,
  SWAP_ALL,
  smallEngine,
} from '../support/engines.js';
import { track, turns } from '../support/promises.js';
import { expectReject } from '../support/refusals.js';

const PAGES = 300;
/** Longer than any test takes, so that a window ends when the spec lets it. */
const WINDOW_MS = 3_600_000;
const hostNow = performance.now.bind(performance);
/** By how much the clock is put forward. */
let ahead = 0;

for (const [how, policy] of [
  ['taken word by word', undefined],
  ['swapped out', SWAP_ALL],
] as const) {
  describeEngines(`measuring a dirty rate, where what is collected is ${how}`, () => {
    let memory: DirtyMemory;
    let vcpu: Vcpu;

    beforeEach(() => {
      ahead = 0;
      performance.now = () => hostNow() + ahead;
      memory = smallEngine({}, policy);
      memory.ram.plug({ id: 'low', size: 100 * PAGE });
      memory.ram.plug({ id: 'high', size: (PAGES - 128) * PAGE, offset: 128 * PAGE });
      cleanAll(memory);
      vcpu = foreignVcpu(memory, 'vcpu');
      for (const page of [5, 70, 200]) memory.setDirty(page * PAGE, MIGRATION);
    });
    afterEach(() => {
      vcpu.detach();
      performance.now = hostNow;
    });

    /**
     * The reader has reported, for which a measurement of MIGRATION waits before it takes the bits. The next report
     * begins the time that counts.
     */
    const taken = async (): Promise<void> => {
      vcpu.quiescent();
      await turns();
    };

    /** The reader has also reported since the bits were taken: now the time counts. */
    const opened = async (): Promise<void> => {
      await taken();
      await taken();
    };

    /** Nobody collects any more: the bits have been taken again, and the reader has reported. */
    const reopened = async (): Promise<void> => {
      await turns();
      await taken();
    };

    /** The time is up, and a collection of nothing makes the measurement look at the clock. */
    const elapse = async (client: Client = MIGRATION): Promise<void> => {
      ahead += WINDOW_MS;
      await memory.testAndClear(0, 0, client);
    };

    it('counts what turns dirty in the window, by RAM block, and not what was dirty before', async () => {
      const measured = memory.measureDirtyRate({ windowMs: WINDOW_MS });
      await opened();
      for (const page of [6, 6, 7, 150]) vcpu.mark(page * PAGE);
      memory.setDirty(151 * PAGE, MIGRATION);
      await elapse();
      const { seconds, pages, pagesPerSecond, blocks } = await reportUntil(vcpu, measured);
      expect(pages).to.equal(4);
      expect(blocks.map(({ id, pages }) => [id, pages])).to.deep.equal([
        ['low', 2],
        ['high', 2],
      ]);
      expect(pagesPerSecond).to.equal(4 / seconds);
      expect(blocks.map((block) => block.pagesPerSecond)).to.deep.equal([2 / seconds, 2 / seconds]);
    });

    it('has no RAM block that goes in the window, and none that comes', async () => {
      const measured = memory.measureDirtyRate({ windowMs: WINDOW_MS, client: VGA });
      memory.setDirty(200 * PAGE, VGA);
      await reportUntil(vcpu, memory.ram.unplug(memory.ram.get('high') as RamBlock));
      memory.ram.plug({ id: 'high', size: PAGE, offset: 200 * PAGE });
      memory.setDirty(5 * PAGE, VGA);
      await elapse(VGA);
      expect((await measured).blocks.map(({ id, pages }) => [id, pages])).to.deep.equal([['low', 1]]);
    });

    it('counts a page that was dirty before and is marked again, once', async () => {
      const measured = memory.measureDirtyRate({ windowMs: WINDOW_MS });
      await opened();
      expect(vcpu.markPage(5, MIGRATION)).to.equal(MIGRATION);
      expect(vcpu.markPage(5, MIGRATION)).to.equal(0);
      await elapse();
      expect((await reportUntil(vcpu, measured)).pages).to.equal(1);
    });

    it('leaves every page dirty that was, or that turned, for the next collection', async () => {
      const measured = memory.measureDirtyRate({ windowMs: WINDOW_MS });
      await opened();
      for (const page of [5, 6, 299]) vcpu.mark(page * PAGE);
      await elapse();
      await reportUntil(vcpu, measured);
      const { set } = await reportUntil(vcpu, memory.harvest(MIGRATION));
      expect(pagesOf(set)).to.deep.equal([5, 6, 70, 200, 299]);
    });

    it("changes nothing for the owner's queries while it lasts, nor for other clients", async () => {
      memory.setDirty(9 * PAGE, CODE);
      const measured = memory.measureDirtyRate({ windowMs: WINDOW_MS });
      await opened();
      expect(dirtyPages(memory, MIGRATION)).to.deep.equal([5, 70, 200]);
      expect(memory.allDirty(5 * PAGE, PAGE, MIGRATION)).to.equal(true);
      expect(dirtyPages(memory, CODE)).to.deep.equal([9]);
      vcpu.markPage(6, MIGRATION);
      expect(dirtyPages(memory, MIGRATION)).to.deep.equal([5, 6, 70, 200]);
      await elapse();
      await reportUntil(vcpu, measured);
      expect(dirtyPages(memory, MIGRATION)).to.deep.equal([5, 6, 70, 200]);
      expect(dirtyPages(memory, CODE)).to.deep.equal([9]);
    });

    it('takes the bits before it begins the grace period for which it waits', async () => {
      const { collector, arena } = engineOf(memory);
      await reportUntil(vcpu, memory.rcu.synchronize());
      const before = arena.words.get(Header.Number);
      const { borrow } = collector;
      const seen: number[] = [];
      collector.borrow = function (...of): () => void {
        seen.push(arena.words.get(Header.Number));
        return borrow.apply(this, of);
      };
      const measured = memory.measureDirtyRate({ windowMs: WINDOW_MS, client: CODE });
      expect(seen).to.deep.equal([before]);
      expect(arena.words.get(Header.Number)).to.be.above(before);
      await taken();
      await elapse(CODE);
      await measured;
    });

    it('takes the bits within the call where readers are not measured, and loses no mark of an interval that goes on', async () => {
      vcpu.mark(5 * PAGE);
      const measured = memory.measureDirtyRate({ windowMs: 1, client: CODE });
      expect(vcpu.isDirty(5 * PAGE, 1, CODE)).to.equal(false);
      vcpu.mark(64 * PAGE);
      expect((await reportUntil(vcpu, measured)).pages).to.equal(1);
      vcpu.mark(65 * PAGE);
      expect(dirtyPages(memory, CODE)).to.deep.equal([5, 64, 65]);
    });

    /** Stores as a vCPU does that marks a page once in an interval. @returns what the mark returned, if there was one */
    const keepingMarks = (): ((page: number) => number | undefined) => {
      const kept = new Set<number>();
      let { interval } = vcpu;
      return (page) => {
        if (vcpu.interval !== interval) kept.clear();
        interval = vcpu.interval;
        if (kept.has(page)) return undefined;
        kept.add(page);
        return vcpu.mark(page * PAGE);
      };
    };

    it('counts the pages to which a reader goes on storing that keeps its marks for the interval', async () => {
      const store = keepingMarks();
      const measured = memory.measureDirtyRate({ windowMs: WINDOW_MS });
      vcpu.quiescent();
      expect(store(6), 'before the bits are taken').to.equal(MIGRATION + CODE + VGA);
      await turns();
      expect(store(6), 'when they are').to.equal(undefined);
      await taken();
      expect(store(6), 'in the next interval').to.equal(MIGRATION);
      await elapse();
      const { pages, readers } = await reportUntil(vcpu, measured);
      expect([pages, ...readers.map((reader) => reader.pages)]).to.deep.equal([1, 2]);
    });

    it('does not count the time in which a reader may still have marks from before', async () => {
      const measured = memory.measureDirtyRate({ windowMs: WINDOW_MS });
      await taken();
      ahead += 7 * WINDOW_MS;
      await taken();
      await elapse();
      expect((await reportUntil(vcpu, measured)).seconds * 1000).to.be.within(WINDOW_MS, 1.5 * WINDOW_MS);
    });

    it('counts nothing in a window that a collection ends before its grace period has ended', async () => {
      const measured = memory.measureDirtyRate({ windowMs: WINDOW_MS });
      await taken();
      vcpu.mark(6 * PAGE);
      ahead += 7 * WINDOW_MS;
      const { set } = await reportUntil(vcpu, memory.harvest(MIGRATION));
      expect(pagesOf(set)).to.deep.equal([5, 6, 70, 200]);
      await reopened();
      vcpu.mark(7 * PAGE);
      await elapse();
      const { pages, seconds } = await reportUntil(vcpu, measured);
      expect(pages).to.equal(1);
      expect(seconds * 1000).to.be.within(WINDOW_MS, 1.5 * WINDOW_MS);
    });

    it('is a user of its client, by its name', async () => {
      const names = (): string[] => [...engineOf(memory).bitmapOf(MIGRATION).users].map(({ name }) => name);
      const others = names();
      const measured = memory.measureDirtyRate({ windowMs: WINDOW_MS });
      expect(names()).to.deep.equal([...others, 'measureDirtyRate']);
      await opened();
      await elapse();
      await reportUntil(vcpu, measured);
      expect(names()).to.deep.equal(others);
    });

    it('keeps the process alive while a window is open', async () => {
      const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
      await turns(); // the test's own timer begins when it first waits
      const before = timers();
      const measured = memory.measureDirtyRate({ windowMs: WINDOW_MS, client: VGA });
      await taken();
      expect(timers()).to.equal(before + 1);
      await elapse(VGA);
      await measured;
    });

    it('waits for the readers to say what they have counted', async () => {
      const measured = memory.measureDirtyRate({ windowMs: WINDOW_MS });
      const tracked = track(measured);
      await turns();
      expect(vcpu.isDirty(5 * PAGE, 1, MIGRATION), 'not taken yet').to.equal(true);
      await opened();
      expect(vcpu.isDirty(5 * PAGE, 1, MIGRATION), 'taken').to.equal(false);
      await elapse();
      await turns();
      expect(tracked.settled).to.equal(false);
      expect(dirtyPages(memory, MIGRATION)).to.deep.equal([5, 70, 200]);
      expect(vcpu.isDirty(5 * PAGE, 1, MIGRATION), 'put back already').to.equal(true);
      await reportUntil(vcpu, measured);
    });

    it('opens its window within the call where no reader has to be waited for', async () => {
      vcpu.goOffline();
      const own = attachVcpu(memory.handle, { name: 'own', identity: 9 });
      const before = performance.now();
      const measured = memory.measureDirtyRate({ windowMs: WINDOW_MS });
      own.mark(6 * PAGE);
      await elapse();
      const { pages, readers } = await measured;
      expect(pages).to.equal(1);
      expect(readers.map(({ name, pages }) => [name, pages])).to.deep.equal([
        ['vcpu', 0],
        ['own', 1],
      ]);
      for (const { seconds } of readers) expect(seconds * 1000).to.be.within(WINDOW_MS, performance.now() - before);
      own.detach();
      vcpu.goOnline();
    });

    it('is cut short by a harvest, which takes every bit within the call, and goes on after it', async () => {
      const measured = memory.measureDirtyRate({ windowMs: WINDOW_MS });
      await opened();
      vcpu.mark(6 * PAGE);
      const harvest = memory.harvest(MIGRATION);
      memory.setDirty(7 * PAGE, MIGRATION);
      expect(pagesOf((await reportUntil(vcpu, harvest)).set)).to.deep.equal([5, 6, 70, 200]);
      await reopened();
      vcpu.mark(6 * PAGE);
      await elapse();
      const { pages, blocks, readers, seconds } = await reportUntil(vcpu, measured);
      expect(pages, 'in both windows').to.equal(2);
      expect(blocks.map(({ pages }) => pages)).to.deep.equal([2, 0]);
      expect(readers.map(({ pages }) => pages)).to.deep.equal([2]);
      expect(seconds * 1000).to.be.at.least(WINDOW_MS);
      expect(dirtyPages(memory, MIGRATION)).to.deep.equal([6, 7]);
    });

    it('waits while a harvest is under way, and for nothing else', async () => {
      const harvest = memory.harvest(MIGRATION);
      let measured = false;
      const rate = memory.measureDirtyRate({ windowMs: 1 }).finally(() => {
        measured = true;
      });
      await new Promise((resolve) => setTimeout(resolve, 5));
      await turns();
      expect(measured).to.equal(false);
      await reportUntil(vcpu, harvest);
      expect((await reportUntil(vcpu, rate)).pages).to.equal(0);
    });

    it('gives every bit to each kind of collection that comes, and is rejected when the engine closes', async () => {
      const measured = memory.measureDirtyRate({ windowMs: WINDOW_MS });
      measured.catch(() => {});
      await opened();
      vcpu.mark(6 * PAGE);
      expect(await reportUntil(vcpu, memory.syncBitmap(memory.ram.get('low')!))).to.equal(3);
      await reopened();
      vcpu.mark(99 * PAGE);
      expect(await reportUntil(vcpu, memory.testAndClear(99 * PAGE, PAGE, MIGRATION))).to.equal(true);
      await reopened();
      vcpu.mark(98 * PAGE);
      const snapshot = await reportUntil(vcpu, memory.snapshotAndClear(0, 128 * PAGE, MIGRATION));
      expect(pagesOf(snapshot)).to.deep.equal([98]);
      await reopened();
      vcpu.mark(97 * PAGE);
      const { set } = await reportUntil(vcpu, memory.harvest(MIGRATION, { maxPages: 1 }));
      expect(pagesOf(set)).to.deep.equal([97]);
      await reopened();
      expect(dirtyPages(memory, MIGRATION)).to.deep.equal([200]);
      await reportUntil(vcpu, memory.close());
      await expectReject(() => measured, UsageError, 'measureDirtyRate', 'clos');
    });

    it('gives them to one that does not wait, the readers being stopped', async () => {
      const measured = memory.measureDirtyRate({ windowMs: WINDOW_MS });
      await opened();
      vcpu.mark(6 * PAGE);
      vcpu.goOffline();
      expect(pagesOf(memory.whileStopped.harvest(MIGRATION).set)).to.deep.equal([5, 6, 70, 200]);
      expect(dirtyPages(memory, MIGRATION)).to.deep.equal([]);
      vcpu.goOnline();
      await reopened();
      vcpu.mark(99 * PAGE);
      vcpu.goOffline();
      expect(memory.whileStopped.syncBitmap(memory.ram.get('low')!)).to.equal(1);
      vcpu.goOnline();
      await reopened();
      await elapse();
      expect((await reportUntil(vcpu, measured)).pages).to.equal(2);
    });

    it('moves no cursor of a harvest in portions', async () => {
      memory.setDirtyRange(0, 20 * PAGE, MIGRATION);
      const portion = async (): Promise<number[]> =>
        pagesOf((await reportUntil(vcpu, memory.harvest(MIGRATION, { maxPages: 8 }))).set);
      expect(await portion()).to.deep.equal(range(0, 8));
      await reportUntil(vcpu, memory.measureDirtyRate({ windowMs: 1 }));
      expect(await portion()).to.deep.equal(range(8, 16));
    });

    it('is not cut short by another one of its client, which waits', async () => {
      const order: number[] = [];
      const first = memory.measureDirtyRate({ windowMs: WINDOW_MS });
      const second = memory.measureDirtyRate({ windowMs: 1 });
      first.then(() => order.push(1));
      second.then(() => order.push(2));
      await opened();
      await taken(); // the second one has asked for a grace period of its own
      vcpu.mark(6 * PAGE);
      await elapse();
      const both = await reportUntil(vcpu, Promise.all([first, second]));
      expect(both.map(({ pages }) => pages)).to.deep.equal([1, 0]);
      expect(order).to.deep.equal([1, 2]);
      expect(dirtyPages(memory, MIGRATION)).to.deep.equal([5, 6, 70, 200]);
    });

    it('measures two clients side by side, with readers for MIGRATION alone', async () => {
      memory.setDirty(0, CODE);
      const migration = memory.measureDirtyRate({ windowMs: WINDOW_MS });
      const code = memory.measureDirtyRate({ windowMs: WINDOW_MS, client: CODE });
      await opened();
      await taken(); // each has asked for grace periods of its own
      vcpu.mark(6 * PAGE);
      vcpu.markPage(7, CODE);
      await elapse();
      await elapse(CODE);
      const [a, b] = await reportUntil(vcpu, Promise.all([migration, code]));
      expect([a.pages, b.pages]).to.deep.equal([1, 2]);
      expect([a.readers.length, b.readers.length]).to.deep.equal([1, 0]);
    });

    it('says of each reader what it turned dirty, by whatever mark', async () => {
      const other = attachVcpu(memory.handle, { name: 'other', identity: 9 });
      vcpu.mark(40 * PAGE);
      const measured = memory.measureDirtyRate({ windowMs: WINDOW_MS });
      await opened();
      vcpu.mark(6 * PAGE);
      vcpu.markPage(7, MIGRATION);
      vcpu.markPage(8, VGA);
      vcpu.markRange(60 * PAGE, 10 * PAGE, 7);
      vcpu.markRange(60 * PAGE, 11 * PAGE, 6);
      other.mark(6 * PAGE);
      other.mark(150 * PAGE);
      await elapse();
      const { readers } = await reportUntil(vcpu, measured);
      expect(readers.map(({ pagesPerSecond, seconds, ...rest }) => rest)).to.deep.equal([
        { name: 'vcpu', identity: 4711, limit: undefined, pages: 13 },
        { name: 'other', identity: 9, limit: undefined, pages: 1 },
      ]);
      for (const { pages, pagesPerSecond, seconds } of readers) {
        expect(pagesPerSecond).to.equal(pages / seconds);
        expect(seconds).to.be.at.least(WINDOW_MS / 1000);
      }
      other.detach();
    });

    it('counts what a reader turned before it went offline', async () => {
      const measured = memory.measureDirtyRate({ windowMs: WINDOW_MS });
      await opened();
      vcpu.markRange(20 * PAGE, 5 * PAGE, 4);
      vcpu.goOffline();
      await elapse();
      const { readers } = await measured;
      expect(readers.map(({ name, pages }) => [name, pages])).to.deep.equal([['vcpu', 5]]);
    });

    it('begins with a reader that attaches in the turn in which the last of the others reports', async () => {
      memory.rcu.startPoll();
      const measured = memory.measureDirtyRate({ windowMs: WINDOW_MS });
      const late = new Promise<Vcpu>((resolve) => {
        // Runs in that turn: it is for the period for which the measurement waits, the one after the polled one.
        memory.rcu.callRcu(() => resolve(attachVcpu(memory.handle, { name: 'late', identity: 9 })));
      });
      await taken();
      await opened();
      (await late).mark(26 * PAGE);
      await elapse();
      const { readers } = await reportUntil(vcpu, measured);
      expect(readers.map(({ name, pages }) => [name, pages])).to.deep.equal([
        ['vcpu', 0],
        ['late', 1],
      ]);
      (await late).detach();
    });

    it('begins with a reader that attaches in the window when it does, whoever had its slot', async () => {
      const before = performance.now();
      const gone = attachVcpu(memory.handle, { name: 'gone', identity: 8 });
      const measured = memory.measureDirtyRate({ windowMs: WINDOW_MS });
      await opened();
      gone.markRange(20 * PAGE, 5 * PAGE, 4);
      gone.detach();
      const late = attachVcpu(memory.handle, { name: 'late', identity: 9 });
      late.mark(26 * PAGE);
      memory.limitDirtyRate(7_000_000, { identity: 9 });
      const another = attachVcpu(memory.handle, { name: 'another', identity: 10 });
      await elapse();
      const { readers } = await reportUntil(vcpu, measured);
      expect(readers.map(({ name, pages, limit }) => [name, pages, limit])).to.deep.equal([
        ['vcpu', 0, undefined],
        ['late', 1, 7_000_000],
        ['another', 0, undefined],
      ]);
      for (const { seconds } of readers) expect(seconds * 1000).to.be.within(WINDOW_MS, performance.now() - before);
      late.detach();
      another.detach();
    });

    it('counts for a reader what it turned in the interval in which the window was opened', async () => {
      const measured = memory.measureDirtyRate({ windowMs: WINDOW_MS });
      for (let interval = 0; interval < 50; interval++) {
        vcpu.markRange(20 * PAGE, 50 * PAGE, 4);
        vcpu.quiescent();
        await turns(1);
      }
      await elapse();
      const { readers, pages } = await reportUntil(vcpu, measured);
      expect([pages, ...readers.map((reader) => reader.pages)]).to.deep.equal([50, 50]);
    });

    it('counts each reader from its own report on, however long another one takes', async () => {
      const slow = foreignVcpu(memory, 'slow');
      const measured = memory.measureDirtyRate({ windowMs: WINDOW_MS });
      await taken(); // but for the other
      ahead += 500_000;
      vcpu.mark(6 * PAGE);
      slow.mark(7 * PAGE);
      slow.quiescent();
      await turns();
      slow.quiescent();
      await taken();
      await elapse();
      const { readers, seconds } = await reportUntil(slow, reportUntil(vcpu, measured));
      const [first, second] = readers;
      expect([first?.pages, second?.pages]).to.deep.equal([1, 0]);
      expect(first?.seconds).to.be.at.least(seconds + 500);
      expect(second?.seconds).to.be.within(seconds, (first?.seconds ?? 0) - 400);
      slow.detach();
    });

    it('counts a reader that comes in the window from the last look that did not see it', async () => {
      const { setTimeout } = globalThis;
      let look = (): void => {};
      globalThis.setTimeout = ((run: () => void, ms: number) => {
        if (ms === WINDOW_MS / 64) look = run;
        return setTimeout(run, ms);
      }) as typeof setTimeout;
      try {
        const gone = attachVcpu(memory.handle, { name: 'gone', identity: 8 });
        const measured = memory.measureDirtyRate({ windowMs: WINDOW_MS });
        await opened();
        ahead += 1_000_000;
        look();
        gone.detach();
        ahead += 500_000;
        const late = attachVcpu(memory.handle, { name: 'late', identity: 8 });
        late.markRange(20 * PAGE, 50 * PAGE, 4);
        ahead += 500_000;
        look();
        await elapse();
        const { readers } = await reportUntil(vcpu, measured);
        expect(readers.map(({ name, pages }) => [name, pages])).to.deep.equal([
          ['vcpu', 0],
          ['late', 50],
        ]);
        const [whole, part] = readers.map(({ seconds }) => seconds);
        expect((whole ?? 0) - (part ?? 0)).to.be.within(900, 1100);
        expect(readers[1]?.pagesPerSecond).to.equal(50 / (part ?? 0));
        late.detach();
      } finally {
        Object.assign(globalThis, { setTimeout });
      }
    });

    it('leaves a reader out that comes when the last window has ended, or goes', async () => {
      const gone = attachVcpu(memory.handle, { name: 'gone', identity: 8 });
      const measured = memory.measureDirtyRate({ windowMs: WINDOW_MS });
      await opened();
      await elapse();
      gone.detach();
      const late = attachVcpu(memory.handle, { name: 'late', identity: 9 });
      late.mark(26 * PAGE);
      vcpu.quiescent();
      engineOf(memory).rcu.step(); // notices that all have reported, and wakes the measurement
      const later = attachVcpu(memory.handle, { name: 'later', identity: 10 });
      const { readers } = await measured;
      expect(readers.map(({ name }) => name)).to.deep.equal(['vcpu']);
      late.detach();
      later.detach();
    });

    it('is rejected when the engine is closed while it waits for the readers, at the beginning or at the end', async () => {
      const waiting = memory.measureDirtyRate({ windowMs: 1 });
      waiting.catch(() => {});
      await turns();
      await reportUntil(vcpu, memory.close());
      await expectReject(() => waiting, UsageError, 'measureDirtyRate', 'clos');
      await expectReject(() => memory.measureDirtyRate({ windowMs: 1 }), UsageError, 'measureDirtyRate', 'closed');
    });

    it('puts the bits back when it is given up, and is late for no collection', async () => {
      const abort = new AbortController();
      const measured = memory.measureDirtyRate({ windowMs: WINDOW_MS, signal: abort.signal });
      await opened();
      vcpu.mark(6 * PAGE);
      abort.abort(new RangeError('enough'));
      const harvest = memory.harvest(MIGRATION);
      await expectReject(() => measured, RangeError, 'enough');
      expect(pagesOf((await reportUntil(vcpu, harvest)).set)).to.deep.equal([5, 6, 70, 200]);
    });

    it('can be given up while nobody collects, and then nothing keeps another one from measuring', async () => {
      const abort = new AbortController();
      const measured = memory.measureDirtyRate({ windowMs: WINDOW_MS, signal: abort.signal });
      await opened();
      abort.abort(new RangeError('enough'));
      await expectReject(() => measured, RangeError, 'enough');
      expect(vcpu.isDirty(5 * PAGE, 1, MIGRATION), 'put back already').to.equal(true);
      const again = memory.measureDirtyRate({ windowMs: WINDOW_MS });
      await opened();
      vcpu.mark(6 * PAGE);
      await elapse();
      expect((await reportUntil(vcpu, again)).pages).to.equal(1);
    });

    it('asks the host for a timer of all that is left of its time, and a millisecond for timers that fire early', async () => {
      const { setTimeout } = globalThis;
      const asked: number[] = [];
      globalThis.setTimeout = ((run: () => void, ms: number) => {
        if (ms >= WINDOW_MS / 2) asked.push(ms);
        return setTimeout(run, ms);
      }) as typeof setTimeout;
      try {
        const abort = new AbortController();
        const measured = memory.measureDirtyRate({ windowMs: WINDOW_MS, client: CODE, signal: abort.signal });
        await taken();
        ahead += 10;
        (await reportUntil(vcpu, memory.harvest(CODE))).set.dispose();
        await reopened();
        abort.abort(new RangeError('enough'));
        await expectReject(() => measured, RangeError, 'enough');
        expect(asked[0]).to.equal(WINDOW_MS + 1);
        expect(asked[1]).to.be.at.most(WINDOW_MS - 10 + 1);
      } finally {
        Object.assign(globalThis, { setTimeout });
      }
    });

    for (const how of ['has been given up', 'waits for what the readers have counted in the end']) {
      it(`looks for new readers again and again, and no more when it ${how}`, async () => {
        const { setTimeout, clearTimeout } = globalThis;
        const looks = new Map<NodeJS.Timeout, () => void>();
        globalThis.setTimeout = ((run: () => void, ms: number) => {
          const timer = setTimeout(run, ms);
          if (ms === WINDOW_MS / 64) looks.set(timer, run);
          return timer;
        }) as typeof setTimeout;
        globalThis.clearTimeout = (timer) => {
          looks.delete(timer as NodeJS.Timeout);
          clearTimeout(timer);
        };
        try {
          const abort = new AbortController();
          const measured = memory.measureDirtyRate({ windowMs: WINDOW_MS, signal: abort.signal });
          measured.catch(() => {});
          await opened();
          const [[first, look]] = [...looks] as [[NodeJS.Timeout, () => void]];
          const late = attachVcpu(memory.handle, { name: 'late', identity: 9 });
          look();
          looks.delete(first);
          expect([...looks.keys()].map((timer) => timer.hasRef())).to.deep.equal([false]);
          expect(first.hasRef(), 'keeps no process alive').to.equal(false);
          if (how.includes('given up')) abort.abort(new RangeError('enough'));
          else await elapse();
          await turns();
          expect(looks.size).to.equal(0);
          abort.abort(new RangeError('enough'));
          await expectReject(() => measured, RangeError, 'enough');
          late.detach();
        } finally {
          Object.assign(globalThis, { setTimeout, clearTimeout });
        }
      });
    }

    it('leaves no timer behind when a window ends early, which would keep the process alive', async () => {
      const { setTimeout, clearTimeout } = globalThis;
      const pending = new Set<unknown>();
      globalThis.setTimeout = ((run: () => void, ms: number) => {
        const timer = setTimeout(run, ms);
        if (ms >= WINDOW_MS / 2) pending.add(timer); // the second window's is shorter by what the first has lasted
        return timer;
      }) as typeof setTimeout;
      globalThis.clearTimeout = (timer) => {
        pending.delete(timer);
        clearTimeout(timer);
      };
      try {
        const abort = new AbortController();
        const measured = memory.measureDirtyRate({ windowMs: WINDOW_MS, client: CODE, signal: abort.signal });
        await taken();
        expect(pending.size).to.equal(1);
        ahead += 10;
        (await reportUntil(vcpu, memory.harvest(CODE))).set.dispose();
        await reopened();
        expect(pending.size).to.equal(1);
        abort.abort(new RangeError('enough'));
        await expectReject(() => measured, RangeError, 'enough');
        expect(pending.size).to.equal(0);
      } finally {
        Object.assign(globalThis, { setTimeout, clearTimeout });
      }
    });

    it('says how much it has measured when its time is up, or who keeps it from measuring', async () => {
      const short = { windowMs: WINDOW_MS, timeoutMs: 5 };
      const refused = expectReject(
        () => memory.measureDirtyRate(short),
        GracePeriodTimeout,
        `of ${WINDOW_MS} ms measured`,
      );
      await opened();
      await refused;
      expect(dirtyPages(memory, MIGRATION)).to.deep.equal([5, 70, 200]);
      const harvest = memory.harvest(MIGRATION);
      await expectReject(() => memory.measureDirtyRate(short), GracePeriodTimeout, 'measureDirtyRate', "'vcpu'");
      await reportUntil(vcpu, harvest);
    });

    it('goes on when a user begins to track, and gives everything back', async () => {
      const measured = memory.measureDirtyRate({ windowMs: WINDOW_MS });
      await opened();
      vcpu.mark(6 * PAGE);
      const tracking = await reportUntil(vcpu, memory.track(MIGRATION));
      vcpu.mark(7 * PAGE);
      await tracking.stop();
      await reopened(); // to stop, it waited for its turn, which ended the window
      await elapse();
      expect((await reportUntil(vcpu, measured)).pages).to.equal(2);
      expect(dirtyPages(memory, MIGRATION)).to.deep.equal([5, 6, 7, 70, 200]);
    });

    it('leaves the bits where they are when the arena has no room to hold them', async () => {
      const sets = [];
      for (;;) {
        const set = memory.createPageSet();
        sets.push(set);
        const full = await reportUntil(vcpu, memory.harvest(VGA, { into: set })).catch((error) => error);
        memory.setDirtyRange(0, 100 * PAGE, VGA);
        if (full instanceof ArenaFullError) break;
      }
      await expectReject(
        () => reportUntil(vcpu, memory.measureDirtyRate({ windowMs: 1 })),
        ArenaFullError,
        'measureDirtyRate:',
      );
      for (const set of sets) set.dispose();
      expect(pagesOf((await reportUntil(vcpu, memory.harvest(MIGRATION))).set)).to.deep.equal([5, 70, 200]);
    });

    it('opens no window while a reader of its thread is in a read-side section', async () => {
      const local = attachVcpu(memory.handle);
      const measured = memory.measureDirtyRate({ windowMs: WINDOW_MS });
      measured.catch(() => {});
      local.readLock();
      await taken();
      await expectReject(() => measured, UsageError, 'measureDirtyRate:', 'section');
      expect(vcpu.isDirty(5 * PAGE, 1, MIGRATION), 'not taken').to.equal(true);
      local.detach();
    });

    it('knows of no limit any more when the engine is closed, and whoever sleeps for one is woken', async () => {
      memory.limitDirtyRate(7);
      memory.limitDirtyRate(8, { identity: vcpu.identity });
      const { buffer } = memory.handle.memory;
      const [limit, changes] = [Header.Limit, Header.LimitChanges].map((word) => new Int32Array(buffer, 4 * word, 1));
      const own = new Int32Array(buffer, 4 * (vcpu.meter + Meter.Limit), 1);
      expect([limit?.[0], own[0], changes?.[0]]).to.deep.equal([7, 8, 2]);
      await reportUntil(vcpu, memory.close());
      expect([limit?.[0], own[0], changes?.[0]]).to.deep.equal([0, 0, 3]);
    });

    it('is refused inside a read-side section of its thread, and on a closed engine', async () => {
      const local = attachVcpu(memory.handle);
      local.readLock();
      const users = engineOf(memory).bitmapOf(MIGRATION).users.size;
      await expectReject(() => memory.measureDirtyRate({ windowMs: 1 }), UsageError, 'measureDirtyRate:', 'section');
      expect(engineOf(memory).bitmapOf(MIGRATION).users.size).to.equal(users);
      local.detach();
      await reportUntil(vcpu, memory.close());
      await expectReject(() => memory.measureDirtyRate({ windowMs: 1 }), UsageError, 'measureDirtyRate', 'closed');
    });
  });

  describeEngines(`measuring the dirty rate of a client that is not tracked, where what is collected is ${how}`, () => {
    let memory: DirtyMemory;
    let vcpu: Vcpu;

    const reopened = async (): Promise<void> => {
      await turns();
      vcpu.quiescent();
      await turns();
    };

    beforeEach(() => {
      ahead = 0;
      performance.now = () => hostNow() + ahead;
      memory = smallEngine({ tracked: 0 }, policy);
      memory.ram.plug({ id: 'ram', size: PAGES * PAGE });
      vcpu = foreignVcpu(memory, 'vcpu');
    });
    afterEach(() => {
      vcpu.detach();
      performance.now = hostNow;
    });

    it('tracks it meanwhile', async () => {
      await reportUntil(vcpu, memory.rcu.synchronize()); // the tables of before the plug are free
      const bytes = memory.stats().arenaBytesInUse;
      const measured = memory.measureDirtyRate({ windowMs: 1 });
      expect(memory.tracked).to.equal(MIGRATION);
      expect([...engineOf(memory).bitmapOf(MIGRATION).users].map(({ name }) => name)).to.deep.equal([
        'measureDirtyRate',
      ]);
      const { pages, readers } = await reportUntil(vcpu, measured);
      expect([pages, readers.map((reader) => reader.pages)]).to.deep.equal([0, [0]]);
      expect(memory.tracked).to.equal(0);
      await reportUntil(vcpu, memory.rcu.synchronize());
      expect(memory.stats().arenaBytesInUse).to.equal(bytes);
    });

    it('opens no window when the time for its readers is up: nobody tracks the client any more', async () => {
      const { collector } = engineOf(memory);
      const { borrow } = collector;
      const tracked: number[] = [];
      collector.borrow = function (...of): () => void {
        tracked.push(memory.tracked);
        return borrow.apply(this, of);
      };
      const measured = memory.measureDirtyRate({ windowMs: WINDOW_MS, timeoutMs: 300 });
      measured.catch(() => {});
      vcpu.quiescent(); // it waits for the tracking to begin, and then for the readers
      await expectReject(() => measured, GracePeriodTimeout, 'measureDirtyRate:', "'vcpu'");
      await reopened();
      expect(tracked).to.deep.equal([]);
      expect([memory.tracked, vcpu.mark(3 * PAGE)]).to.deep.equal([0, 0]);
      expect(dirtyPages(memory, MIGRATION)).to.deep.equal(range(0, PAGES));
    });

    it('ends, and so does the tracking, while the owner is in a read-side section', async () => {
      const local = attachVcpu(memory.handle);
      const measured = memory.measureDirtyRate({ windowMs: WINDOW_MS, client: CODE });
      await reportUntil(vcpu, memory.rcu.synchronize());
      await reopened();
      local.readLock();
      ahead += WINDOW_MS;
      await expectReject(() => memory.testAndClear(0, 0, CODE), UsageError, 'section');
      engineOf(memory).bitmapOf(CODE).lock.endLoan();
      expect((await measured).pages).to.equal(0);
      local.detach();
      expect(memory.tracked).to.equal(0);
    });

    it('goes on tracking it when the one who tracked it stops, makes nothing dirty, and ends when it ends', async () => {
      const tracking = await reportUntil(vcpu, memory.track(MIGRATION));
      (await reportUntil(vcpu, tracking.harvest())).set.dispose();
      const abort = new AbortController();
      const measured = memory.measureDirtyRate({ windowMs: WINDOW_MS, signal: abort.signal });
      await tracking.stop();
      expect(memory.tracked).to.equal(MIGRATION);
      expect(vcpu.mark(3 * PAGE)).to.equal(MIGRATION);
      abort.abort(new RangeError('enough'));
      await expectReject(() => measured, RangeError, 'enough');
      await reportUntil(vcpu, memory.rcu.synchronize());
      expect(memory.tracked).to.equal(0);
    });
  });
}

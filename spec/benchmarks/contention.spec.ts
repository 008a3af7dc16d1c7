import { availableParallelism } from 'node:os';
import { expect } from 'chai';
import { measureCell, Patience, shownOf } from '../../benchmarks/contention/cell.js';
import { collecting, replugging, waking, work } from '../../benchmarks/contention/owner-load.js';
import { PATTERN_NAMES, pagesOf, SEQUENCE, SLICE } from '../../benchmarks/contention/patterns.js';
import { BLOCK_PAGES, shapeFor } from '../../benchmarks/contention/shape.js';
import { Sweep } from '../../benchmarks/contention/sweep.js';
import { DESIGN_NAMES, DESIGNS } from '../../benchmarks/designs/designs.js';
import { type Owed, owed } from '../../benchmarks/harness/disturbance.js';
import { defaultThreads } from '../../benchmarks/harness/plan.js';
import { startNativeSweep } from '../../benchmarks/peers/native-sweep.js';

const blocksOf = (pages: Int32Array): Set<number> =>
  new Set(Array.from(pages, (page) => Math.floor(page / BLOCK_PAGES)));
const wordsOf = (pages: Int32Array): Set<number> => new Set(Array.from(pages, (page) => page >>> 5));

describe('Patterns of sharing', () => {
  it('are the same in every call, and of base RAM alone', () => {
    for (const pattern of PATTERN_NAMES) {
      for (const vcpu of [0, 3]) {
        const pages = pagesOf(pattern, vcpu, 1);
        expect(pages).to.deep.equal(pagesOf(pattern, vcpu, 1));
        expect(Math.min(...pages), pattern).to.be.at.least(0);
        expect(Math.max(...pages), pattern).to.be.below(shapeFor(4).basePages);
      }
    }
  });

  it('share what they are called after', () => {
    for (const vcpu of [0, 3]) {
      expect(blocksOf(pagesOf('own-block', vcpu, 1))).to.deep.equal(new Set([vcpu]));
      expect(blocksOf(pagesOf('sequential', vcpu, 1))).to.deep.equal(new Set([vcpu]));
      expect(blocksOf(pagesOf('shared-block', vcpu, 1))).to.deep.equal(new Set([0]));
      expect(wordsOf(pagesOf('same-word', vcpu, 1))).to.deep.equal(new Set([0]));
      expect(wordsOf(pagesOf('same-line', vcpu, 1))).to.deep.equal(new Set([vcpu]));
    }
  });

  it('dma: the pages of a slice are a run in one block', () => {
    const pages = pagesOf('dma', 3, 1);
    for (let at = 0; at < SEQUENCE; at += SLICE) {
      const first = pages[at] as number;
      const run = Int32Array.from({ length: SLICE }, (_, i) => first + i);
      expect(pages.slice(at, at + SLICE)).to.deep.equal(run);
    }
    expect(blocksOf(pages)).to.deep.equal(new Set([0]));
  });

  it('zipf: the larger the skew, the fewer pages have half of the marks', () => {
    const pagesOfHalf = (skew: number): number => {
      const counts = new Map<number, number>();
      for (const page of pagesOf('zipf', 0, skew)) counts.set(page, (counts.get(page) ?? 0) + 1);
      const most = [...counts.values()].sort((a, b) => b - a);
      const half = SEQUENCE / 2;
      let marks = 0;
      let pages = 0;
      for (; marks < half; pages++) marks += most[pages] as number;
      return pages;
    };
    expect(pagesOfHalf(0.5)).to.be.above(2 * pagesOfHalf(1));
    expect(pagesOfHalf(1)).to.be.above(2 * pagesOfHalf(1.5));
  });

  it('threads go up to twice the cores, and the cores are among them', () => {
    expect(defaultThreads(2)).to.deep.equal([1, 2, 4]);
    expect(defaultThreads(6)).to.deep.equal([1, 2, 4, 6, 8, 12]);
  });
});

describe('Windows that others disturb', () => {
  const answers = (shares: readonly number[]) => {
    let at = 0;
    return {
      run: async (): Promise<Owed> => owed(shares[at++] as number, 1, 1),
      get tries(): number {
        return at;
      },
    };
  };

  it('a thread that got less than a core was disturbed; threads beyond the cores are owed no more than these', () => {
    expect(owed(99, 100, 1)).to.deep.equal({ share: 0.99, disturbed: false });
    expect(owed(80, 100, 1).disturbed).to.equal(true);
    expect(owed(99 * availableParallelism(), 100, 3 * availableParallelism()).disturbed).to.equal(false);
  });

  it('are run again, and the best of the tries is kept', async () => {
    const disturbed = answers([0.5, 0.7, 0.6, 0.4, 0.5, 1]);
    const [[kept]] = (await measureCell([disturbed.run], 1, new Patience(1e6))) as [[Owed]];
    expect(kept).to.deep.equal({ share: 0.7, disturbed: true });
    expect(disturbed.tries).to.equal(5);
    const calm = answers([0.5, 1, 0.5]);
    await measureCell([calm.run], 1, new Patience(1e6));
    expect(calm.tries).to.equal(2);
  });

  it('are not run again when patience has ended', async () => {
    const disturbed = answers([0.5, 0.7, 0.9]);
    await measureCell([disturbed.run], 2, new Patience(0));
    expect(disturbed.tries).to.equal(2);
  });

  it('are left out where enough others are left', () => {
    const [quiet, disturbed] = [owed(1, 1, 1), owed(0.5, 1, 1)];
    expect(shownOf([quiet, disturbed, quiet, quiet])).to.deep.equal([quiet, quiet, quiet]);
    expect(shownOf([quiet, disturbed, quiet])).to.have.length(3);
  });
});

describe('Loads of an owner', () => {
  const owner = DESIGNS.dirtymem.open(shapeFor(1));
  after(() => owner.close());

  it('each has a step, however short the time', async () => {
    const micros = await work(0, owner, [waking(1000), waking(1)]);
    expect(micros.map(({ length }) => length)).to.deep.equal([1, 1]);
  });

  it('that cannot keep their rates keep the ratio of these', async () => {
    const [fast, slow] = (await work(20, owner, [waking(1e9), waking(1e8)])) as [number[], number[]];
    expect(slow.length).to.be.within(Math.floor(fast.length / 10), Math.ceil(fast.length / 10) + 1);
  });
});

describe('Contention sweeps', () => {
  it('every design marks on every thread while its owner collects and replugs', async () => {
    const sweep = new Sweep(2, 1);
    try {
      for (const design of DESIGN_NAMES) {
        for (const loads of [[collecting(100)], [replugging(100)], [replugging(1000), collecting(100)]]) {
          const { rates, steps } = await sweep.run({ design, pattern: 'zipf', threads: 2, milliseconds: 60, loads });
          expect(rates, design).to.have.length(2);
          expect(Math.max(...rates), design).to.be.above(0);
          expect(steps, design).to.have.length(loads.length);
          for (const { micros } of steps) expect(micros, design).to.be.above(0);
        }
      }
    } finally {
      await sweep.close();
    }
  });

  it('every design marks ranges', async () => {
    const sweep = new Sweep(1, 1);
    try {
      for (const design of DESIGN_NAMES) {
        const { rates } = await sweep.run({ design, pattern: 'dma', threads: 1, milliseconds: 20 });
        expect(rates[0], design).to.be.above(0);
      }
    } finally {
      await sweep.close();
    }
  });

  it('C marks the same pages and ranges, on as many threads', async function () {
    const native = startNativeSweep(2, 1);
    if (native === undefined) this.skip();
    const windows = [await native.run('test', 'own-block', 2, 20), await native.run('lock', 'dma', 2, 20)];
    await native.stop();
    for (const window of windows) {
      expect(window?.rates).to.have.length(2);
      expect(Math.max(...(window?.rates ?? []))).to.be.above(0);
    }
  });
});

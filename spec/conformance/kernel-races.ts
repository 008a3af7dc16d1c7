import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { expect } from 'chai';
import { itInBothForms } from '../support/long.js';
import { NaiveBitmap } from '../support/naive-bitmap.js';
import { CELL, HOLE, randomRanges } from '../support/random-ranges.js';
import type { SetLiveReport, SetLiveWork } from '../support/set-live-worker.js';
import { type MakeKernel, TwoBlocks } from './two-blocks.js';

const CELLS = 100;
const BITS = 8192;
const SEEDS = [0x1234567, 0x2468ace, 0x7654321];
const HOLES = Array.from({ length: CELLS }, (_, cell) => [cell * CELL + HOLE, (cell + 1) * CELL] as const);

/**
 * The kernel's changes to a live block while threads set bits of it, by the kernel on `Atomics`. The threads go on
 * until so many rounds have met bits to take that a run cannot pass without having raced.
 */
export function describeKernelRaces(name: string, make: MakeKernel): void {
  describe(`${name}: races with threads that set bits`, () => {
    let blocks: TwoBlocks;
    beforeEach(() => {
      blocks = new TwoBlocks(make);
      blocks.write(new Array(BITS / 32).fill(0), new Array(BITS / 32).fill(0));
    });

    /**
     * @param busyRounds how many have to meet bits to take
     * @param round acts on the lower block, which is live. @returns how many of the threads' bits it took
     */
    async function race(busyRounds: number, round: () => number): Promise<{ taken: number; reports: SetLiveReport[] }> {
      const { memory, byteOffset, words, lower: block } = blocks;
      const stop = words.length - 1;
      const workers = SEEDS.map((seed) => {
        const work: SetLiveWork = { memory, byteOffset, length: words.length, block, cells: CELLS, stop, seed };
        return new Worker(new URL('../support/set-live-worker.js', import.meta.url), { workerData: work });
      });
      try {
        const messages = Promise.all(workers.map((worker) => once(worker, 'message')));
        let failed = false;
        messages.catch(() => {
          failed = true;
        });
        let taken = 0;
        for (let rounds = 0, busy = 0; busy < busyRounds && !failed; rounds++) {
          const found = round();
          taken += found;
          if (found > 0) busy += 1;
          if (rounds % 64 === 0) await setImmediate(); // lets a worker's failure be heard
        }
        words.store(stop, 1);
        const reports = (await messages).map(([report]) => report as SetLiveReport);
        return { taken, reports };
      } finally {
        await Promise.all(workers.map((worker) => worker.terminate()));
      }
    }

    function turnedBy(reports: SetLiveReport[]): number {
      return reports.reduce((sum, { turned }) => sum + turned, 0);
    }

    /** What the threads set, by their own seeds. */
    function setBy(reports: SetLiveReport[]): NaiveBitmap {
      const set = new NaiveBitmap();
      for (const [worker, { ranges }] of reports.entries()) {
        const sequence = randomRanges(SEEDS[worker] as number, CELLS);
        for (let n = 0; n < ranges && set.size < CELLS * HOLE; n++) set.set(...sequence.next().value);
      }
      return set;
    }

    function countHoles(block: number): number {
      return HOLES.reduce((sum, [first, end]) => sum + blocks.kernel.count(block, first, end), 0);
    }

    itInBothForms('takes each bit that turned exactly once, or leaves it', 100, 400, async (busyRounds) => {
      const { kernel, lower, upper } = blocks;
      const everTaken = new NaiveBitmap();
      const takeInto = (first: number, end: number): number => {
        const added = kernel.takeLive(lower, first, end, upper);
        for (let bit = kernel.findSet(upper, 0, BITS); bit < BITS; bit = kernel.findSet(upper, bit + 1, BITS)) {
          everTaken.set(bit, bit + 1);
        }
        if (kernel.clearOwned(upper, 0, BITS) !== added) expect.fail(`not ${added} bits in the block taken into`);
        return added;
      };
      let whole = false;
      const { taken, reports } = await race(busyRounds, () => {
        whole = !whole;
        return whole ? takeInto(0, BITS) : takeInto(77, BITS - 1011);
      });
      const left = takeInto(0, BITS);
      expect(taken + left, 'taken and left').to.equal(turnedBy(reports));
      expect(everTaken.toWords(BITS / 32)).to.deep.equal(setBy(reports).toWords(BITS / 32));
    });

    itInBothForms('loses no mark by a change to other bits of the same word', 100, 400, async (busyRounds) => {
      const { kernel, lower, upper } = blocks;
      const allHoles = HOLES.length * (CELL - HOLE);
      const holes = new Uint8Array(BITS / 8);
      for (const [first, end] of HOLES) {
        for (let bit = first; bit < end; bit++) holes[bit >> 3] = (holes[bit >> 3] as number) | (1 << (bit & 7));
      }
      const changes = [
        () => {
          for (const [first, end] of HOLES) kernel.setOwned(upper, first, end);
          kernel.returnLive(upper, 0, BITS, lower);
        },
        () => void kernel.importLive(lower, 0, BITS, holes, 0),
        () => {
          for (const [first, end] of HOLES) kernel.setLive(lower, first, end);
        },
      ];
      let rounds = 0;
      const { taken, reports } = await race(busyRounds, () => {
        changes[rounds++ % changes.length]?.();
        if (countHoles(lower) !== allHoles) expect.fail(`${countHoles(lower)} of ${allHoles} bits arrived`);
        for (const [first, end] of HOLES) kernel.clearLive(lower, first, end);
        kernel.clearOwned(upper, 0, BITS);
        const added = kernel.takeLive(lower, 0, BITS, upper);
        if (countHoles(upper) !== 0) expect.fail(`${countHoles(upper)} bits were not cleared`);
        kernel.clearOwned(upper, 0, BITS);
        return added;
      });
      expect(taken + kernel.count(lower, 0, BITS), 'taken and left').to.equal(turnedBy(reports));
    });
  });
}

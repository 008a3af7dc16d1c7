import { expect } from 'chai';
import { itInBothForms } from '../support/long.js';
import { NaiveBitmap } from '../support/naive-bitmap.js';
import { CELL, HOLE } from '../support/random-ranges.js';
import { type Race, race, setBy } from '../support/set-live-threads.js';
import { type MakeKernel, TwoBlocks } from './two-blocks.js';

const CELLS = 100;
const BITS = 8192;
const HOLES = Array.from({ length: CELLS }, (_, cell) => [cell * CELL + HOLE, (cell + 1) * CELL] as const);

/**
 * The kernel's changes to a live block while threads set bits of it, by the kernel on `Atomics`. The threads go on
 * until so many rounds have met bits to take that a run cannot pass without having raced.
 */
export function describeKernelRaces(name: string, make: MakeKernel): void {
  describe(`${name}: races with threads that set bits`, () => {
    const works = [0x1234567, 0x2468ace, 0x7654321].map((seed) => ({ seed, kernel: 'atomics' as const }));
    let blocks: TwoBlocks;
    let set: Omit<Race, 'busyRounds'>;
    beforeEach(() => {
      blocks = new TwoBlocks(make);
      blocks.write(new Array(BITS / 32).fill(0), new Array(BITS / 32).fill(0));
      set = { arena: blocks, block: blocks.lower, cells: CELLS, works };
    });

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
      const { taken, turned, reports } = await race({ ...set, busyRounds }, (round) =>
        round % 2 === 0 ? takeInto(0, BITS) : takeInto(77, BITS - 1011),
      );
      const left = takeInto(0, BITS);
      expect(taken + left, 'taken and left').to.equal(turned);
      expect(everTaken.toWords(BITS / 32)).to.deep.equal(setBy(set, reports).toWords(BITS / 32));
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
      const { taken, turned } = await race({ ...set, busyRounds }, (round) => {
        changes[round % changes.length]?.();
        if (countHoles(lower) !== allHoles) expect.fail(`${countHoles(lower)} of ${allHoles} bits arrived`);
        for (const [first, end] of HOLES) kernel.clearLive(lower, first, end);
        kernel.clearOwned(upper, 0, BITS);
        const added = kernel.takeLive(lower, 0, BITS, upper);
        if (countHoles(upper) !== 0) expect.fail(`${countHoles(upper)} bits were not cleared`);
        kernel.clearOwned(upper, 0, BITS);
        return added;
      });
      expect(taken + kernel.count(lower, 0, BITS), 'taken and left').to.equal(turned);
    });
  });
}

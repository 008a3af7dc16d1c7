import { expect } from 'chai';
import type { Kernel } from '../../lib/bitmap/kernel.js';
import { NaiveBitmap } from '../support/naive-bitmap.js';
import type { TwoBlocks } from './two-blocks.js';

/** An operation of the kernel on two blocks, and the same of the model on two bitmaps. */
export interface Operation {
  name: Exclude<keyof Kernel, 'name' | 'importLive' | 'mergeBothOwned'>;
  run(kernel: Kernel, first: number, end: number, block: number, other: number): unknown;
  model(first: number, end: number, block: NaiveBitmap, other: NaiveBitmap): unknown;
  /** Whether readers may reach `block`; they never reach `other`. */
  live: boolean;
}

/** All but `importLive`, whose source is no block, and `mergeBothOwned`, which takes three. */
export const operations: readonly Operation[] = [
  {
    name: 'findSet',
    run: (kernel, first, end, block) => kernel.findSet(block, first, end),
    model: (first, end, block) => block.findSet(first, end),
    live: true,
  },
  {
    name: 'findClear',
    run: (kernel, first, end, block) => kernel.findClear(block, first, end),
    model: (first, end, block) => block.findClear(first, end),
    live: true,
  },
  {
    name: 'count',
    run: (kernel, first, end, block) => kernel.count(block, first, end),
    model: (first, end, block) => block.count(first, end),
    live: true,
  },
  {
    name: 'setLive',
    run: (kernel, first, end, block) => kernel.setLive(block, first, end),
    model: (first, end, block) => block.set(first, end),
    live: true,
  },
  {
    name: 'clearLive',
    run: (kernel, first, end, block) => kernel.clearLive(block, first, end),
    model: (first, end, block) => void block.clear(first, end),
    live: true,
  },
  {
    name: 'takeLive',
    run: (kernel, first, end, block, other) => kernel.takeLive(block, first, end, other),
    model: (first, end, block, other) => {
      const added = other.merge(block, first, end);
      block.clear(first, end);
      return added;
    },
    live: true,
  },
  {
    name: 'returnLive',
    run: (kernel, first, end, block, other) => kernel.returnLive(other, first, end, block),
    model: (first, end, block, other) => void block.merge(other, first, end),
    live: true,
  },
  {
    name: 'setOwned',
    run: (kernel, first, end, block) => kernel.setOwned(block, first, end),
    model: (first, end, block) => void block.set(first, end),
    live: false,
  },
  {
    name: 'clearOwned',
    run: (kernel, first, end, block) => kernel.clearOwned(block, first, end),
    model: (first, end, block) => block.clear(first, end),
    live: false,
  },
  {
    name: 'mergeAndClearOwned',
    run: (kernel, first, end, block, other) => kernel.mergeAndClearOwned(block, first, end, other),
    model: (first, end, block, other) => {
      const added = other.merge(block, first, end);
      block.clear(first, end);
      return added;
    },
    live: false,
  },
  {
    name: 'mergeOwned',
    run: (kernel, first, end, block, other) => kernel.mergeOwned(block, first, end, other),
    model: (first, end, block, other) => other.merge(block, first, end),
    live: false,
  },
  {
    name: 'uniteOwned',
    run: (kernel, first, end, block, other) => kernel.uniteOwned(block, first, end, other),
    model: (first, end, block, other) => {
      other.merge(block, first, end);
      return other.count(first, end);
    },
    live: false,
  },
  {
    // Into those words of the other block that are level with the range; there is room for a run where there is one for 64.
    name: 'extractRuns',
    run: (kernel, first, end, block, other) =>
      kernel.extractRuns(block, first, end, other + levelWith(first), roomLevelWith(first, end)),
    model: (first, end, block, other) => {
      const runs = block.runs(first, end).slice(0, roomLevelWith(first, end));
      for (const [n, position] of runs.flat().entries()) other.writeWord(levelWith(first) + n, position);
      return runs.length;
    },
    live: false,
  },
];

/** A multiple of two words: so is the length of a block, and a run finds room. */
function levelWith(first: number): number {
  return Math.floor(first / 64) * 2;
}

function roomLevelWith(first: number, end: number): number {
  return Math.max(1, Math.floor((end - levelWith(first) * 32) / 64));
}

/** Which of the two blocks stands at the lower address. */
export type Order = 'block first' | 'other first';

/** Does the operation on blocks with these words, and fails where the answer, or any word, is not as in the model. */
export function tryOperation(
  operation: Operation,
  blocks: TwoBlocks,
  words: { block: readonly number[]; other: readonly number[] },
  first: number,
  end: number,
  order: Order,
): void {
  const title = `${operation.name} [${first}, ${end}) of ${words.block.length} words, ${order}`;
  const block = NaiveBitmap.fromWords(words.block);
  const other = NaiveBitmap.fromWords(words.other);
  const wanted = operation.model(first, end, block, other);
  if (order === 'block first') {
    blocks.write(words.block, words.other);
    expect(operation.run(blocks.kernel, first, end, blocks.lower, blocks.upper), title).to.equal(wanted);
    blocks.expect(block, other, title);
  } else {
    blocks.write(words.other, words.block);
    expect(operation.run(blocks.kernel, first, end, blocks.upper, blocks.lower), title).to.equal(wanted);
    blocks.expect(other, block, title);
  }
}

/**
 * What does each run cost when a program iterates over the runs of a page set?
 *
 * The comparisons are the least that any iteration does, a bare loop over an array of the same runs; and the simple way
 * to walk a bitmap from JavaScript, a generator that asks the kernel for the next set bit and then for the next clear
 * bit. Each way computes the sum of the runs, in bytes.
 */
import type { Kernel } from '../../lib/bitmap/kernel.js';
import { openEngine } from '../../lib/dirty-memory.js';
import { MIGRATION, type PageSet, type Run } from '../../lib/index.js';
import { type Contender, compare } from '../harness/compare.js';
import { atMost, type Figure } from '../harness/figure.js';
import type { Question } from '../harness/question.js';
import { PAGE_SIZE } from '../subjects/pages.js';

const KERNELS = ['wasm', 'atomics'] as const;
const OURS = 'runs()';
const PLAIN = 'two searches a run';
const ONE_IN = [2, 33, 1000];
const LEAST_RUNS = 2000;
/** From this page on, addresses are not small integers in V8, like most addresses of a large guest. */
const FIRST_PAGE = 2 ** 21;

interface Subject {
  readonly set: PageSet;
  readonly kernel: Kernel;
  /** A bitmap block with the same pages as the set; the next field is its number of pages. */
  readonly block: number;
  readonly pagesPerBlock: number;
}

function walkSet({ set }: Subject): number {
  let sum = 0;
  for (const { start, length } of set.runs()) sum += start + length;
  return sum;
}

function walkPairs(pairs: Int32Array): number {
  let sum = 0;
  for (let i = 0; i < pairs.length; i += 2) {
    const first = pairs[i] as number;
    sum += (FIRST_PAGE + first) * PAGE_SIZE + ((pairs[i + 1] as number) - first) * PAGE_SIZE;
  }
  return sum;
}

function* oneByOne({ kernel, block, pagesPerBlock }: Subject): Generator<Run, void, undefined> {
  for (let end = 0; ; ) {
    const first = kernel.findSet(block, end, pagesPerBlock);
    if (first === pagesPerBlock) return;
    end = kernel.findClear(block, first, pagesPerBlock);
    yield { start: (FIRST_PAGE + first) * PAGE_SIZE, length: (end - first) * PAGE_SIZE };
  }
}

function walkOneByOne(subject: Subject): number {
  let sum = 0;
  for (const { start, length } of oneByOne(subject)) sum += start + length;
  return sum;
}

/** @throws Error when the ways find different runs */
function checkAgreement(subject: Subject, pairs: Int32Array): void {
  const sums = [walkSet(subject), walkOneByOne(subject), walkPairs(pairs)];
  if (new Set(sums).size !== 1) throw new Error(`the runs add up to ${sums.join(', ')}`);
}

async function askAt(oneIn: number, rounds: number): Promise<Figure[]> {
  // The runs fill the whole block, so that no time goes into searching an empty rest of the block.
  const pagesPerBlock = 2 ** Math.ceil(Math.log2(LEAST_RUNS * oneIn));
  const runs = Math.floor(pagesPerBlock / oneIn);
  const pairs = Int32Array.from({ length: 2 * runs }, (_, i) => (i >>> 1) * oneIn + (i & 1));
  const bare = `1 page in ${oneIn}: a bare loop over an array`;
  const contenders: Contender[] = [{ name: bare, operations: runs, batch: walkPairs, subject: [pairs, undefined] }];
  const engines = KERNELS.map((name) => openEngine({ kernel: name, pagesPerBlock }));
  for (const { memory, engine } of engines) {
    const { kernel } = engine;
    memory.ram.plug({ id: 'ram', size: pagesPerBlock * PAGE_SIZE, offset: FIRST_PAGE * PAGE_SIZE });
    (await memory.harvest(MIGRATION)).set.dispose();
    const mark = (): void => {
      for (let n = 0; n < runs; n++) memory.setDirty((FIRST_PAGE + n * oneIn) * PAGE_SIZE, MIGRATION);
    };
    mark();
    const { set } = await memory.harvest(MIGRATION);
    mark();
    const block = engine.bitmapOf(MIGRATION).blockAt(FIRST_PAGE / pagesPerBlock);
    const subject: readonly [Subject, undefined] = [{ set, kernel, block, pagesPerBlock }, undefined];
    checkAgreement(subject[0], pairs);
    contenders.push(
      { name: `1 page in ${oneIn}, ${kernel.name}: ${OURS}`, operations: runs, batch: walkSet, subject },
      { name: `1 page in ${oneIn}, ${kernel.name}: ${PLAIN}`, operations: runs, batch: walkOneByOne, subject },
    );
  }
  const times = await compare(contenders, { rounds });
  for (const { memory } of engines) await memory.close();
  // When runs are far apart, most of the time goes into searching the words between them.
  const limit = oneIn <= 33 ? atMost(0.75) : null;
  const ratios = KERNELS.flatMap((kernel) => {
    const at = `1 page in ${oneIn}, ${kernel}:`;
    return [times.ratio(`${at} ${OURS}`, `${at} ${PLAIN}`, limit), times.ratio(`${at} ${OURS}`, bare)];
  });
  return [...ratios, ...contenders.map(({ name }) => times.time(name))];
}

async function ask(rounds: number): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const oneIn of ONE_IN) figures.push(...(await askAt(oneIn, rounds)));
  return figures;
}

export default { title: 'Walking the runs of a page set', seconds: [1, 0.3], ask } satisfies Question;

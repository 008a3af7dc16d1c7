/**
 * How many words of a bitmap block must be dirty for a swap to be cheaper than emptying the block word by word?
 *
 * Two engines have the same dirty pages, one bit in each dirty word, in random words; one engine never swaps, the other
 * always does. Both harvest into a set that already has its blocks. Swapping is shown as the time that the caller
 * waits, and with the processor time of the later zeroing added; the threshold in lib/dirty/density.ts is about the
 * second. When words are emptied one by one, a dirty word does not get cheaper below a density of one in 16: there each
 * dirty word is in its own cache line, and each exchange waits for its line.
 */
import type { SwapPolicy } from '../../lib/dirty/density.js';
import { openEngine } from '../../lib/dirty-memory.js';
import { type DirtyMemory, MIGRATION, type PageSet } from '../../lib/index.js';
import { type Figure, figure } from '../harness/figure.js';
import { type Measured, measureInTurn, timeOnce } from '../harness/in-turn.js';
import type { Question } from '../harness/question.js';
import { allZeroed } from '../subjects/engine.js';
import { BLOCK_BYTES, BLOCK_PAGES, BLOCK_WORDS, distinctPages } from '../subjects/pages.js';

const BLOCKS = 32;
const RAM = BLOCKS * BLOCK_BYTES;
const ONE_IN = [64, 32, 16, 8, 4, 2, 1];
const NEVER: SwapPolicy = { oneIn: 1, leastWords: Number.POSITIVE_INFINITY };
const ALWAYS: SwapPolicy = { oneIn: 2 ** 20, leastWords: 1 };

function bitmapWith(oneIn: number): Uint32Array {
  const words = new Uint32Array(BLOCK_WORDS);
  if (oneIn === 1) return words.fill(1);
  for (const word of distinctPages(BLOCK_WORDS / oneIn, BLOCK_WORDS)) words[word] = 1;
  // Every policy samples the first word; it is dirty, so that no policy takes the block for clean.
  words[0] = 1;
  return words;
}

/**
 * Memory of the same size as the swapped blocks, to time the zeroing; the engine zeroes its own blocks in turns, with
 * idle time between.
 */
const scratch = new Int32Array(new SharedArrayBuffer(BLOCKS * BLOCK_WORDS * 4));

function zeroScratch(): void {
  scratch.fill(0);
}

async function collected(memory: DirtyMemory, into: PageSet, bits: Uint32Array, zeroing: boolean): Promise<number> {
  for (let at = 0; at < RAM; at += BLOCK_BYTES) {
    memory.setDirtyBitmap(bits, at, BLOCK_PAGES, { mask: MIGRATION });
  }
  await allZeroed(memory);
  const began = performance.now();
  await memory.harvest(MIGRATION, { into });
  const harvest = (performance.now() - began) * 1e6;
  const nanoseconds = (harvest + (zeroing ? timeOnce(zeroScratch) : 0)) / BLOCKS;
  into.delete(0, RAM);
  return nanoseconds;
}

async function engineWith(swapPolicy: SwapPolicy) {
  const { memory } = openEngine({ maxRamBytes: RAM }, { swapPolicy });
  memory.ram.plug({ id: 'ram', size: RAM });
  const into = memory.createPageSet();
  await memory.harvest(MIGRATION, { into });
  into.delete(0, RAM);
  return { memory, into };
}

/** @returns n for the lowest measured density, one dirty word in n, from which on no ratio is above 1 */
function cheaperFrom(ratios: readonly Figure[]): number {
  return ONE_IN.find((_, i) => ratios.slice(i).every(({ median }) => median <= 1)) ?? 0;
}

async function ask(rounds: number) {
  const never = await engineWith(NEVER);
  const always = await engineWith(ALWAYS);
  const ways = [
    { way: 'word by word', engine: never, zeroing: false },
    { way: 'swapped', engine: always, zeroing: false },
    { way: 'swapped and zeroed', engine: always, zeroing: true },
  ];
  const nameOf = (way: string, oneIn: number): string => `${oneIn === 1 ? 'all words' : `1 in ${oneIn}`}: ${way}`;
  const measured: Measured[] = ONE_IN.flatMap((oneIn) => {
    const bits = bitmapWith(oneIn);
    return ways.map(({ way, engine, zeroing }) => ({
      name: nameOf(way, oneIn),
      sample: () => collected(engine.memory, engine.into, bits, zeroing),
    }));
  });
  const times = await measureInTurn(measured, rounds);
  const swaps = [never, always].map(({ memory }) => memory.stats().blocksSwapped);
  if (swaps[0] !== 0 || !((swaps[1] as number) > 0)) throw new Error(`${swaps} blocks swapped`);
  await never.memory.close();
  await always.memory.close();
  const figures: Figure[] = [];
  for (const way of ['swapped and zeroed', 'swapped']) {
    const ratios = ONE_IN.map((oneIn) => times.ratio(nameOf(way, oneIn), nameOf('word by word', oneIn)));
    figures.push(figure(`${way}: never dearer than word by word from one dirty word in`, '', [cheaperFrom(ratios)]));
    figures.push(...ratios);
  }
  for (const oneIn of ONE_IN) {
    for (const { way } of ways) figures.push(times.time(`${nameOf(way, oneIn)}`, 'us a block', 1000));
  }
  return figures;
}

export default { title: 'Emptying a block or swapping it', seconds: [1.5, 1.2], ask } satisfies Question;

/**
 * What does the first mark of a clean page cost, with one client?
 *
 * The comparison is an `Atomics.or` for each page on one flat Int32Array: nobody can set a shared bit for less. Both
 * mark the same distinct random pages of one bitmap block; the bitmaps are cleared before each batch, untimed. The
 * ratio shows what the test before the or, and returning which clients the page turned dirty for, add to the locked
 * instruction.
 */

import { openEngine } from '../../lib/dirty-memory.js';
import { MIGRATION } from '../../lib/index.js';
import { attachVcpu, type Vcpu } from '../../lib/vcpu.js';
import { compare } from '../harness/compare.js';
import { atMost } from '../harness/figure.js';
import type { Question } from '../harness/question.js';
import { BLOCK_BYTES, BLOCK_PAGES, BLOCK_WORDS, distinctPages } from '../subjects/pages.js';

/** A constant, because the client is also a constant in an emulator's code. */
const CLIENT = MIGRATION;
const PAGES = distinctPages(4096, BLOCK_PAGES);

function markPages(vcpu: Vcpu, pages: Int32Array): void {
  let turned = 0;
  for (let i = 0; i < pages.length; i++) turned += vcpu.markPage(pages[i] as number, CLIENT);
  if (turned !== pages.length * CLIENT) throw new Error('not all pages were clean');
}

function markBare(bitmap: Int32Array, pages: Int32Array): void {
  for (let i = 0; i < pages.length; i++) {
    const page = pages[i] as number;
    Atomics.or(bitmap, page >>> 5, 1 << page);
  }
}

async function ask(rounds: number) {
  const { memory, engine } = openEngine();
  memory.ram.plug({ id: 'ram', size: BLOCK_BYTES });
  const vcpu = attachVcpu(memory.handle);
  const inArena = new Int32Array(memory.handle.memory.buffer, engine.bitmapOf(CLIENT).blockAt(0) * 4, BLOCK_WORDS);
  const flat = new Int32Array(new SharedArrayBuffer(BLOCK_WORDS * 4));
  const ours = 'markPage(page, client), clean';
  const bare = 'bare Atomics.or, one flat bitmap';
  const operations = PAGES.length;
  const times = await compare(
    [
      { name: ours, operations, batch: markPages, subject: [vcpu, PAGES], prepare: () => void inArena.fill(0) },
      { name: bare, operations, batch: markBare, subject: [flat, PAGES], prepare: () => void flat.fill(0) },
    ],
    { rounds },
  );
  vcpu.detach();
  return [times.ratio(ours, bare, atMost(1.2)), times.time(ours), times.time(bare)];
}

export default {
  title: 'First touch of a clean page, one client',
  seconds: [0.2, 0.1],
  quick: true,
  ask,
} satisfies Question;

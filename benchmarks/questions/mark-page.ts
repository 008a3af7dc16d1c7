/**
 * What does it cost to mark a page for one client when the page is dirty already?
 *
 * The comparison is the least that any dirty bitmap does: test the bit in one flat Int32Array, and set it if it is
 * clear. Both use the same random pages of one bitmap block, all dirty. The ratio shows what tables, hotplug and
 * collecting cost a vCPU for each store; it depends less on the machine than the times do.
 */
import { DirtyMemory, MIGRATION } from '../../lib/index.js';
import { attachVcpu, type Vcpu } from '../../lib/vcpu.js';
import { compare } from '../harness/compare.js';
import { atMost } from '../harness/figure.js';
import type { Question } from '../harness/question.js';
import { BLOCK_BYTES, BLOCK_PAGES, BLOCK_WORDS, randomPages } from '../subjects/pages.js';

/**
 * A constant, because the client is also a constant in an emulator's code; the bare loop's bitmap is a constant too.
 */
const CLIENT = MIGRATION;
const PAGES = randomPages(8192, BLOCK_PAGES);

function markPages(vcpu: Vcpu, pages: Int32Array): void {
  for (let i = 0; i < pages.length; i++) vcpu.markPage(pages[i] as number, CLIENT);
}

function markBare(bitmap: Int32Array, pages: Int32Array): void {
  for (let i = 0; i < pages.length; i++) {
    const page = pages[i] as number;
    const bit = 1 << page;
    if (((bitmap[page >>> 5] as number) & bit) === 0) Atomics.or(bitmap, page >>> 5, bit);
  }
}

async function ask(rounds: number) {
  const memory = DirtyMemory.create();
  memory.ram.plug({ id: 'ram', size: BLOCK_BYTES });
  const vcpu = attachVcpu(memory.handle);
  const bitmap = new Int32Array(new SharedArrayBuffer(BLOCK_WORDS * 4)).fill(-1);
  const ours = 'markPage(page, client), dirty';
  const bare = 'bare test, one flat bitmap';
  const times = await compare(
    [
      { name: ours, operations: PAGES.length, batch: markPages, subject: [vcpu, PAGES] },
      { name: bare, operations: PAGES.length, batch: markBare, subject: [bitmap, PAGES] },
    ],
    { rounds },
  );
  vcpu.detach();
  return [times.ratio(ours, bare, atMost(1.6)), times.time(ours), times.time(bare)];
}

export default { title: 'Marking a dirty page, one client', seconds: [0.1, 0.1], quick: true, ask } satisfies Question;

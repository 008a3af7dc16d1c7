/**
 * What does it cost to mark a page by address for three clients when the page is dirty already?
 *
 * The target is relative to a bare loop that tests the bit in three flat bitmaps, by the same addresses of one bitmap
 * block. The bare loop by page number is also shown. The difference between the two bare loops is what any
 * implementation pays to convert an address above 2^31, a floating-point number, to a page number.
 */
import { DirtyMemory } from '../../lib/index.js';
import { attachVcpu } from '../../lib/vcpu.js';
import { compare } from '../harness/compare.js';
import { atMost } from '../harness/figure.js';
import type { Question } from '../harness/question.js';
import { FlatBitmaps, markAddresses, markBareAddresses, markBarePages } from '../subjects/address-loops.js';
import { addressesIn, BLOCK_BYTES, BLOCK_PAGES, BLOCK_WORDS, randomPages } from '../subjects/pages.js';

const PAGES = randomPages(8192, BLOCK_PAGES);
const ADDRESSES = addressesIn(PAGES);

async function ask(rounds: number) {
  const memory = DirtyMemory.create();
  memory.ram.plug({ id: 'ram', size: BLOCK_BYTES });
  const vcpu = attachVcpu(memory.handle);
  const bitmaps = new FlatBitmaps(BLOCK_WORDS);
  const ours = 'mark(addr), dirty';
  const byAddress = 'bare test of three flat bitmaps, by address';
  const byPage = 'the same by page';
  const operations = PAGES.length;
  const times = await compare(
    [
      { name: ours, operations, batch: markAddresses, subject: [vcpu, ADDRESSES] },
      { name: byAddress, operations, batch: markBareAddresses, subject: [bitmaps, ADDRESSES] },
      { name: byPage, operations, batch: markBarePages, subject: [bitmaps, PAGES] },
    ],
    { rounds },
  );
  vcpu.detach();
  return [
    times.ratio(ours, byAddress, atMost(1.8)),
    times.time(ours),
    times.time(byAddress),
    times.time(byPage),
    times.ratio(ours, byPage),
  ];
}

export default {
  title: 'Marking a dirty page by address, three clients',
  seconds: [0.2, 0.1],
  quick: true,
  ask,
} satisfies Question;

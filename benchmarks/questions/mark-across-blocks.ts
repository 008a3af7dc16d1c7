/**
 * What does marking by address cost when a vCPU's stores jump between bitmap blocks?
 *
 * A mark first tries the bitmap block of the mark before. Here the next page is in another one of four blocks (32 GiB
 * of RAM) three times out of four, which is the worst that a guest can do. The comparison is a bare loop over three
 * flat bitmaps of that size. There is no target, because the stores of real guests are local.
 */
import { DirtyMemory } from '../../lib/index.js';
import { attachVcpu } from '../../lib/vcpu.js';
import { compare } from '../harness/compare.js';
import type { Question } from '../harness/question.js';
import { FlatBitmaps, markAddresses, markBareAddresses } from '../subjects/address-loops.js';
import { addressesIn, BLOCK_BYTES, BLOCK_PAGES, BLOCK_WORDS, randomPages } from '../subjects/pages.js';

const BLOCKS = 4;
const ADDRESSES = addressesIn(randomPages(8192, BLOCKS * BLOCK_PAGES));

async function ask(rounds: number) {
  const memory = DirtyMemory.create();
  memory.ram.plug({ id: 'ram', size: BLOCKS * BLOCK_BYTES });
  const vcpu = attachVcpu(memory.handle);
  const bitmaps = new FlatBitmaps(BLOCKS * BLOCK_WORDS);
  const ours = 'mark(addr), dirty, in a random one of four blocks';
  const bare = 'bare test of three flat bitmaps, by address';
  const operations = ADDRESSES.length;
  const times = await compare(
    [
      { name: ours, operations, batch: markAddresses, subject: [vcpu, ADDRESSES] },
      { name: bare, operations, batch: markBareAddresses, subject: [bitmaps, ADDRESSES] },
    ],
    { rounds },
  );
  vcpu.detach();
  return [times.ratio(ours, bare), times.time(ours), times.time(bare)];
}

export default { title: 'Marking across bitmap blocks, three clients', seconds: [0.5, 0.2], ask } satisfies Question;

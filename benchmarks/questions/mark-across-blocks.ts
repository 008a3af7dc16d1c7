/**
 * What does marking by address cost when a vCPU's stores jump between bitmap blocks?
 *
 * A mark first tries the cached bitmap block. Here the next page is in a random one of 4 and of 64 blocks (512 GiB of
 * RAM), which is the worst that a guest can do. The comparison is a bare loop over flat bitmaps of that size, three of
 * them, or one where one client is tracked.
 */
import { DirtyMemory, MIGRATION } from '../../lib/index.js';
import { attachVcpu } from '../../lib/vcpu.js';
import { compare } from '../harness/compare.js';
import { atMost, type Figure } from '../harness/figure.js';
import type { Question } from '../harness/question.js';
import { FlatBitmaps, markAddresses, markBareAddresses, markBareForOne } from '../subjects/address-loops.js';
import { addressesIn, BLOCK_BYTES, BLOCK_PAGES, BLOCK_WORDS, randomPages } from '../subjects/pages.js';

const CASES = [
  { blocks: 4, tracked: 7, most: 1.6 },
  { blocks: 64, tracked: 7, most: 1.6 },
  { blocks: 4, tracked: MIGRATION, most: 3.6 },
] as const;

async function askOf({ blocks, tracked, most }: (typeof CASES)[number], rounds: number): Promise<Figure[]> {
  const memory = DirtyMemory.create({ tracked, maxRamBytes: blocks * BLOCK_BYTES, pagesPerBlock: BLOCK_PAGES });
  memory.ram.plug({ id: 'ram', size: blocks * BLOCK_BYTES });
  const vcpu = attachVcpu(memory.handle);
  const bitmaps = new FlatBitmaps(blocks * BLOCK_WORDS);
  const addresses = addressesIn(randomPages(8192, blocks * BLOCK_PAGES));
  const lone = tracked !== 7;
  const where = `in a random one of ${blocks} blocks, ${lone ? 'one client' : 'three clients'} tracked`;
  const ours = `mark(addr), dirty, ${where}`;
  const bare = `bare test by address, ${where}`;
  const operations = addresses.length;
  const times = await compare(
    [
      { name: ours, operations, batch: markAddresses, subject: [vcpu, addresses] },
      { name: bare, operations, batch: lone ? markBareForOne : markBareAddresses, subject: [bitmaps, addresses] },
    ],
    { rounds },
  );
  vcpu.detach();
  await memory.close();
  return [times.ratio(ours, bare, atMost(most)), times.time(ours), times.time(bare)];
}

async function ask(rounds: number) {
  const figures: Figure[] = [];
  for (const one of CASES) figures.push(...(await askOf(one, rounds)));
  return figures;
}

export default { title: 'Marking across bitmap blocks', seconds: [1, 0.3], ask } satisfies Question;

/**
 * What does it cost to mark many pages at once, for three clients?
 *
 * 512 aligned pages (two megabytes), and a whole bitmap block, next to C: a test of each 64-bit word, and an atomic or
 * if the word is not all dirty; for the clean block only the atomic or.
 */

import { openEngine } from '../../lib/dirty-memory.js';
import { attachVcpu, type Vcpu } from '../../lib/vcpu.js';
import { compare } from '../harness/compare.js';
import { atMost, type Figure } from '../harness/figure.js';
import { measureInTurn, timeOnce } from '../harness/in-turn.js';
import type { Question } from '../harness/question.js';
import { startNative } from '../peers/native.js';
import { BLOCK_BYTES, BLOCK_PAGES, BLOCK_WORDS, PAGE_SIZE } from '../subjects/pages.js';

const ALL = 7;
const RANGE_BYTES = 512 * PAGE_SIZE;
const RANGES = Float64Array.from({ length: 512 }, (_, i) => i * RANGE_BYTES);
if (512 * RANGES.length > BLOCK_PAGES) throw new Error('the ranges do not fit a block');

function markRanges(vcpu: Vcpu, starts: Float64Array): void {
  for (let i = 0; i < starts.length; i++) vcpu.markRange(starts[i] as number, RANGE_BYTES, ALL);
}

async function ask(rounds: number) {
  const { memory, engine } = openEngine();
  memory.ram.plug({ id: 'ram', size: BLOCK_BYTES });
  const vcpu = attachVcpu(memory.handle);
  const bitmaps = engine.tables.clients.map(
    (bitmap) => new Int32Array(memory.handle.memory.buffer, bitmap.blockAt(0) * 4, BLOCK_WORDS),
  );
  const fill = (value: number): void => {
    for (const bitmap of bitmaps) bitmap.fill(value);
  };
  const [dirty, clean] = ['markRange of 512 pages, dirty', 'markRange of 512 pages, clean'];
  const batch = { operations: RANGES.length, batch: markRanges, subject: [vcpu, RANGES] as const };
  const ranges = await compare(
    [
      { name: dirty, ...batch, prepare: () => fill(-1) },
      { name: clean, ...batch, prepare: () => fill(0) },
    ],
    { rounds },
  );
  const figures: Figure[] = [ranges.time(dirty, 'ns', 1, atMost(100)), ranges.time(clean, 'ns', 1, atMost(400))];
  const native = startNative('sync');
  const [blockDirty, blockClean] = ['markRange of a block, dirty', 'markRange of a block, clean'];
  const blockOf = (name: string, value: number) => ({
    name,
    sample: () => {
      fill(value);
      return timeOnce(() => void vcpu.markRange(0, BLOCK_BYTES, ALL));
    },
  });
  const peers =
    native === undefined
      ? []
      : (['range512 dirty', 'range512 clean', 'block-dirty', 'block-clean'] as const).map((request) => ({
          name: `C, ${request}`,
          sample: () => native.time(request),
        }));
  const times = await measureInTurn([blockOf(blockDirty, -1), blockOf(blockClean, 0), ...peers], rounds, 20);
  await native?.stop();
  vcpu.detach();
  if (native !== undefined) {
    figures.push(times.time('C, range512 dirty'), times.time('C, range512 clean'));
    figures.push(times.ratio(blockDirty, 'C, block-dirty', atMost(1.3)));
    figures.push(times.ratio(blockClean, 'C, block-clean', atMost(2.2)));
  }
  for (const { name } of peers.slice(2)) figures.push(times.time(name, 'us', 1000));
  figures.push(times.time(blockDirty, 'us', 1000), times.time(blockClean, 'us', 1000));
  return figures;
}

export default { title: 'Marking ranges, three clients', seconds: [1, 0.4], quick: true, ask } satisfies Question;

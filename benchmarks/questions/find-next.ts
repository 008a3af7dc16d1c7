/**
 * How long does it take to search a clean terabyte for a dirty page, compared with a bare SIMD loop in C over as many
 * bytes?
 */

import { MIGRATION } from '../../lib/dirty/client.js';
import { openEngine } from '../../lib/dirty-memory.js';
import { atMost } from '../harness/figure.js';
import { measureInTurn, timeOnce } from '../harness/in-turn.js';
import type { Question } from '../harness/question.js';
import { startNative } from '../peers/native.js';
import { BLOCK_BYTES, BLOCK_PAGES, BLOCK_WORDS } from '../subjects/pages.js';

const RAM = 2 ** 40;

async function ask(rounds: number) {
  const { memory, engine } = openEngine({ maxRamBytes: RAM });
  const { kernel } = engine;
  memory.ram.plug({ id: 'dimm', size: RAM });
  const blocks = Array.from({ length: RAM / BLOCK_BYTES }, (_, number) => engine.bitmapOf(MIGRATION).blockAt(number));
  const bitmaps = blocks.map((block) => new Int32Array(memory.handle.memory.buffer, block * 4, BLOCK_WORDS));
  const scan = (): void => {
    for (const block of blocks) {
      if (kernel.findSet(block, 0, BLOCK_PAGES) !== BLOCK_PAGES) throw new Error('not clean');
    }
  };
  const sample = (): number => {
    for (const bitmap of bitmaps) bitmap.fill(0);
    return timeOnce(scan);
  };
  const ours = `${kernel.name}: findSet over 128 clean blocks`;
  const bare = 'C, a bare SIMD scan';
  const native = startNative('sync');
  const peer = native === undefined ? [] : [{ name: bare, sample: () => native.time('scan') }];
  const times = await measureInTurn([{ name: ours, sample }, ...peer], rounds, 9);
  await native?.stop();
  await memory.close();
  if (native === undefined) return [times.time(ours, 'us', 1000)];
  return [times.ratio(ours, bare, atMost(1.3)), times.time(ours, 'us', 1000), times.time(bare, 'us', 1000)];
}

export default { title: 'Searching a clean terabyte', seconds: [1, 0.4], ask } satisfies Question;

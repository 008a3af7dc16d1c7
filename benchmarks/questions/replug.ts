/**
 * Does anything leak in 10,000 cycles of unplugging the highest RAM block and plugging another one, and how long does a
 * cycle take?
 *
 * The RAM blocks have changing sizes of up to two bitmap blocks. The last block is as large as the first, so as many
 * bytes of the arena must be in use at the end as at the start. The only reader is on the owner's thread, which reports
 * for it while it waits. So the time of a cycle is the owner's work, mostly setting and zeroing bitmaps, and not
 * waiting.
 */
import { DirtyMemory } from '../../lib/index.js';
import { attachVcpu } from '../../lib/vcpu.js';
import { exactly, figure } from '../harness/figure.js';
import type { Question } from '../harness/question.js';
import { BLOCK_BYTES } from '../subjects/pages.js';

const CYCLES = 10_000;
const SIZES = [1 / 4, 2, 1 / 2, 1, 1 / 8].map((blocks) => blocks * BLOCK_BYTES);

async function ask(rounds: number) {
  const memory = DirtyMemory.create();
  const reader = attachVcpu(memory.handle);
  memory.ram.plug({ id: 'base', size: BLOCK_BYTES / 2 });
  let highest = memory.ram.plug({ id: 'dimm0', size: SIZES[0] as number });
  await memory.rcu.barrier();
  const start = memory.stats().arenaBytesInUse;
  const micros: number[] = [];
  for (let cycle = 1, round = 1; round <= rounds; round++) {
    const first = cycle;
    const began = performance.now();
    for (; cycle <= (CYCLES * round) / rounds; cycle++) {
      await memory.ram.unplug(highest);
      highest = memory.ram.plug({ id: `dimm${cycle}`, size: SIZES[cycle % SIZES.length] as number });
    }
    micros.push(((performance.now() - began) * 1000) / (cycle - first));
  }
  await memory.rcu.barrier();
  const { arenaBytesInUse: end, unplugs } = memory.stats();
  if (unplugs !== CYCLES) throw new Error(`${unplugs} cycles, not ${CYCLES}`);
  reader.detach();
  await memory.close();
  return [
    figure('arena bytes in use, end - start', 'bytes', [end - start], exactly(0)),
    figure('at the start', 'bytes', [start]),
    figure('at the end', 'bytes', [end]),
    figure('a cycle', 'us', micros),
  ];
}

export default {
  title: `${CYCLES.toLocaleString('en-US')} cycles of replugging`,
  seconds: [4, 0],
  ask,
} satisfies Question;

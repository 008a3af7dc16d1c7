/**
 * How much of their speed do vCPUs keep while RAM is plugged and unplugged?
 *
 * vCPU threads, one less than there are cores, mark random dirty pages and report after every 200 marks. Windows of
 * half a second alternate: in one kind the owner plugs and unplugs a DIMM a thousand times a second; in the other kind
 * it wakes equally often and does nothing. The DIMM crosses the end of a bitmap block, so each plug and each unplug
 * replaces the tables, and each cycle ends with blocks that are zeroed and reused. The share kept is the median over
 * pairs of windows. Read it together with the rate of the cycles, which must be near 1000, and with the round trip of a
 * cache line.
 */
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { DirtyMemory } from '../../lib/index.js';
import { atLeast, figure } from '../harness/figure.js';
import { roundTrip } from '../harness/ping-pong.js';
import type { Question } from '../harness/question.js';
import { startThread, type Thread } from '../harness/threads.js';
import { BLOCK_BYTES } from '../subjects/pages.js';
import type { MarkingVcpu } from '../workers/marking-vcpu.js';

const MARKS_A_SLICE = 200;
const WINDOW_MS = 500;
const DIMM_BYTES = 128 * 2 ** 20;
const BASE_BYTES = BLOCK_BYTES - DIMM_BYTES / 2;

interface Window {
  readonly marksPerSecond: number;
  readonly cyclesPerSecond: number;
}

async function measure(threads: readonly Thread[], cycle: () => Promise<void>): Promise<Window> {
  const slices = (): number => threads.reduce((sum, thread) => sum + thread.progress, 0);
  const before = slices();
  const began = performance.now();
  let cycles = 0;
  for (let now = began; now < began + WINDOW_MS; now = performance.now()) {
    if (cycles >= now - began) await sleep(1);
    else {
      await cycle();
      cycles++;
    }
  }
  const seconds = (performance.now() - began) / 1000;
  return { marksPerSecond: ((slices() - before) * MARKS_A_SLICE) / seconds, cyclesPerSecond: cycles / seconds };
}

async function ask(rounds: number) {
  const lines = await roundTrip();
  const memory = DirtyMemory.create();
  memory.ram.plug({ id: 'base', size: BASE_BYTES });
  const count = Math.max(1, availableParallelism() - 1);
  const threads = await Promise.all(
    Array.from({ length: count }, () =>
      startThread<MarkingVcpu>('marking-vcpu', {
        handle: memory.handle,
        bytes: BASE_BYTES,
        marksPerSlice: MARKS_A_SLICE,
      }),
    ),
  );
  for (const thread of threads) memory.supervise(thread.worker);
  const hotplug = async (): Promise<void> => {
    await memory.ram.unplug(memory.ram.plug({ id: 'dimm', size: DIMM_BYTES, offset: BASE_BYTES }));
  };
  const idle = async (): Promise<void> => {};
  const kept: number[] = [];
  const rates = { with: [] as number[], without: [] as number[], cycles: [] as number[] };
  for (let round = -1; round < rounds; round++) {
    // Alternate the order, so that a process that starts or ends within a round favours both kinds of windows equally
    // often.
    const order = round % 2 === 0 ? [idle, hotplug] : [hotplug, idle];
    const windows = [await measure(threads, order[0] as typeof idle), await measure(threads, order[1] as typeof idle)];
    if (round < 0) continue;
    const without = windows[order.indexOf(idle)] as Window;
    const having = windows[order.indexOf(hotplug)] as Window;
    kept.push((100 * having.marksPerSecond) / without.marksPerSecond);
    rates.with.push(having.marksPerSecond / 1e6);
    rates.without.push(without.marksPerSecond / 1e6);
    rates.cycles.push(having.cyclesPerSecond);
  }
  for (const thread of threads) await thread.stop();
  await memory.close();
  return [
    figure(`marks/s kept by ${count} vCPU${count > 1 ? 's' : ''} under hotplug`, '%', kept, atLeast(95)),
    figure('with hotplug', 'M marks/s', rates.with),
    figure('without', 'M marks/s', rates.without),
    figure('cycles of plug and unplug', '/s', rates.cycles),
    lines,
  ];
}

export default { title: 'Hotplug at 1 kHz while vCPUs mark', seconds: [2, 1], ask } satisfies Question;

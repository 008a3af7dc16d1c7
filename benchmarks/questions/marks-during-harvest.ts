/**
 * How much of their speed do vCPUs keep while the owner collects?
 *
 * As many vCPU threads as there are cores but one mark random dirty pages, each in a bitmap block of its own, and report
 * after every 1,000. Windows alternate: in one the owner dirties other blocks and syncs them back to back, in the other
 * it sleeps. It dirties them with plain stores, which it may because nobody else marks there: with atomic ones most of the
 * window would go to marking.
 */
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '../../lib/index.js';
import { openEngine } from '../engine.js';
import { atLeast, figure } from '../figure.js';
import { Gaps } from '../gaps.js';
import { BLOCK_BYTES, BLOCK_PAGES } from '../pages.js';
import { roundTrip } from '../ping-pong.js';
import type { Question } from '../question.js';
import { startThread } from '../threads.js';
import type { BatchingVcpu } from '../workers/batching-vcpu.js';

const MARKS = 1000;
const WINDOW_MS = 400;
const OTHER_BLOCKS = 16;
const OTHER_BYTES = OTHER_BLOCKS * BLOCK_BYTES;

async function ask(rounds: number) {
  const lines = await roundTrip();
  const { memory, tables, kernel } = openEngine();
  const count = Math.max(1, availableParallelism() - 1);
  memory.ram.plug({ id: 'own', size: count * BLOCK_BYTES });
  const other = memory.ram.plug({ id: 'other', size: OTHER_BYTES, offset: count * BLOCK_BYTES });
  const gaps = Array.from({ length: count }, () => new Gaps());
  for (const one of gaps) one.phase = 2;
  const threads = await Promise.all(
    gaps.map(({ words }, i) =>
      startThread<BatchingVcpu>('batching-vcpu', {
        handle: memory.handle,
        start: i * BLOCK_BYTES,
        bytes: BLOCK_BYTES,
        marksPerBatch: MARKS,
        gaps: words,
      }),
    ),
  );
  for (const thread of threads) memory.supervise(thread.worker);
  const batches = (): number => threads.reduce((sum, thread) => sum + thread.progress, 0);
  let collections = 0;
  const window = async (phase: number): Promise<number> => {
    for (const one of gaps) one.phase = phase;
    const before = batches();
    const began = performance.now();
    while (performance.now() < began + WINDOW_MS) {
      if (phase === 0) {
        await sleep(1);
        continue;
      }
      for (let n = 0; n < OTHER_BLOCKS; n++) {
        kernel.setOwned(tables.blockAt(Client.Migration, count + n), 0, BLOCK_PAGES);
      }
      await memory.syncBitmap(other);
      collections++;
    }
    const rate = ((batches() - before) * MARKS) / ((performance.now() - began) / 1000);
    for (const one of gaps) one.phase = 2;
    return rate / 1e6;
  };
  const kept: number[] = [];
  const rates: [number[], number[]] = [[], []];
  const tails: [number[], number[]] = [[], []];
  for (let round = -1; round < rounds; round++) {
    for (const one of gaps) one.clear();
    if (round === 0) collections = 0;
    const found: [number, number] = [0, 0];
    for (const phase of round % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)) found[phase] = await window(phase);
    if (round < 0) continue;
    kept.push((100 * found[1]) / found[0]);
    for (const phase of [0, 1] as const) {
      rates[phase].push(found[phase]);
      tails[phase].push(Gaps.quantile(gaps, phase, 0.999) / 1000);
    }
  }
  for (const thread of threads) await thread.stop();
  await memory.close();
  const perSecond = collections / rounds / (WINDOW_MS / 1000);
  return [
    figure(`marks/s kept by ${count} vCPU${count > 1 ? 's' : ''} during collections`, '%', kept, atLeast(90)),
    figure('with collections', 'M marks/s', rates[1]),
    figure('without', 'M marks/s', rates[0]),
    figure('p99.9 between batches of 1,000 marks, with', 'us', tails[1]),
    figure('p99.9 between batches of 1,000 marks, without', 'us', tails[0]),
    figure('collections of 16 blocks, all dirty', '/s', [perSecond]),
    lines,
  ];
}

export default { title: 'Collecting while vCPUs mark', ask } satisfies Question;

/**
 * How much of their speed do vCPUs keep while the owner collects?
 *
 * vCPU threads, one less than there are cores, mark random dirty pages, each in its own bitmap block, and report after
 * every 1,000 marks. Three kinds of windows alternate: the owner sleeps; the owner computes without touching memory,
 * which shows what a busy neighbour costs on this machine; the owner dirties other blocks and collects them, back to
 * back. It dirties them with plain stores, which is allowed because nobody else marks there; with atomic accesses it
 * would spend most of the window marking. The share kept is the median over the rounds. On a machine that shares its
 * cores with others, the share kept cannot be higher than with the computing owner.
 */
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { openEngine } from '../../lib/dirty-memory.js';
import { MIGRATION } from '../../lib/index.js';
import { atLeast, figure } from '../harness/figure.js';
import { Gaps } from '../harness/gaps.js';
import { roundTrip } from '../harness/ping-pong.js';
import type { Question } from '../harness/question.js';
import { startThread } from '../harness/threads.js';
import { BLOCK_BYTES, BLOCK_PAGES } from '../subjects/pages.js';
import type { BatchingVcpu } from '../workers/batching-vcpu.js';

const MARKS = 1000;
const WINDOW_MS = 300;
const KINDS = ['asleep', 'spinning', 'harvesting'] as const;
type Kind = (typeof KINDS)[number];
/** The phase of the histograms between windows, in which nothing is counted. */
const BETWEEN = KINDS.length;
const OTHER_BLOCKS = 16;
const OTHER_BYTES = OTHER_BLOCKS * BLOCK_BYTES;

async function ask(rounds: number) {
  const lines = await roundTrip();
  const { memory, engine } = openEngine();
  const count = Math.max(1, availableParallelism() - 1);
  memory.ram.plug({ id: 'own', size: count * BLOCK_BYTES });
  const other = memory.ram.plug({ id: 'other', size: OTHER_BYTES, offset: count * BLOCK_BYTES });
  const gaps = Array.from({ length: count }, () => new Gaps());
  for (const one of gaps) one.phase = BETWEEN;
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
  let harvests = 0;
  const harvest = async (): Promise<void> => {
    for (let n = 0; n < OTHER_BLOCKS; n++) {
      engine.kernel.setOwned(engine.bitmapOf(MIGRATION).blockAt(count + n), 0, BLOCK_PAGES);
    }
    await memory.syncBitmap(other);
    other.pages.delete(other.offset, other.size);
    harvests++;
  };
  const owners: Record<Kind, () => Promise<unknown>> = { asleep: () => sleep(1), spinning: spin, harvesting: harvest };
  const window = async (kind: Kind): Promise<number> => {
    for (const one of gaps) one.phase = KINDS.indexOf(kind);
    const before = batches();
    const began = performance.now();
    while (performance.now() < began + WINDOW_MS) await owners[kind]();
    const rate = ((batches() - before) * MARKS) / ((performance.now() - began) / 1000);
    for (const one of gaps) one.phase = BETWEEN;
    return rate / 1e6;
  };
  const samples = (): Record<Kind, number[]> => ({ asleep: [], spinning: [], harvesting: [] });
  const rates = samples();
  const tails = samples();
  for (let round = -1; round < rounds; round++) {
    for (const one of gaps) one.clear();
    if (round === 0) harvests = 0;
    for (let i = 0; i < KINDS.length; i++) {
      const kind = KINDS[(i + round + 1) % KINDS.length] as Kind;
      const rate = await window(kind);
      if (round < 0) continue;
      rates[kind].push(rate);
      tails[kind].push(Gaps.quantile(gaps, KINDS.indexOf(kind), 0.999) / 1000);
    }
  }
  for (const thread of threads) await thread.stop();
  await memory.close();
  const kept = (kind: Kind): number[] =>
    rates[kind].map((rate, round) => (100 * rate) / (rates.asleep[round] as number));
  const perSecond = harvests / rounds / (WINDOW_MS / 1000);
  return [
    figure(
      `marks/s kept by ${count} vCPU${count > 1 ? 's' : ''} during harvests`,
      '%',
      kept('harvesting'),
      atLeast(90),
    ),
    figure('kept while the owner only computes', '%', kept('spinning')),
    ...KINDS.map((kind) => figure(`owner ${kind}`, 'M marks/s', rates[kind])),
    ...KINDS.map((kind) => figure(`p99.9 between batches of 1,000 marks, owner ${kind}`, 'us', tails[kind])),
    figure('harvests of 16 blocks, all dirty', '/s', [perSecond]),
    lines,
  ];
}

/** Computes for a millisecond. */
async function spin(): Promise<void> {
  for (const end = performance.now() + 1; performance.now() < end; );
}

export default { title: 'Collecting while vCPUs mark', seconds: [2, 1], ask } satisfies Question;

/**
 * How long does a grace period take, by how many readers are online and how often they report?
 *
 * The time of `synchronizeBlocking`, with 0, 1, 2, 4 ... readers online that report every microsecond up to every
 * millisecond; the rest of them are registered and offline, and 48 more that always are. None online: the scan of the
 * slots, the least there is. Each reader costs a trip of a cache line there and one back, which run side by side, so the
 * latency should follow the longest interval and not the number of readers, until there are more threads than cores: then
 * it is the scheduler's time slice. They are asked for back to back, so each begins just after a report and waits for about
 * a whole interval; one that came at any time would wait for half. p50 and p99 of the samples of a round.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { DirtyMemory } from '../../lib/index.js';
import { attachVcpu } from '../../lib/vcpu.js';
import { type Figure, figure } from '../figure.js';
import { timeOnce } from '../in-turn.js';
import { roundTrip } from '../ping-pong.js';
import type { Plan } from '../plan.js';
import type { Question } from '../question.js';
import { Readers } from '../readers.js';
import { quantile } from '../statistics.js';
import { startThread } from '../threads.js';
import type { IntervalReader } from '../workers/interval-reader.js';

const INTERVALS = [1, 10, 100, 1000];
const ALWAYS_OFFLINE = 48;
const SAMPLES = 30;

async function ask(rounds: number, plan: Plan) {
  const lines = await roundTrip();
  const most = Math.max(...plan.threads);
  const memory = DirtyMemory.create({ maxReaders: most + ALWAYS_OFFLINE });
  const offline = Array.from({ length: ALWAYS_OFFLINE }, (_, i) => attachVcpu(memory.handle, { name: `idle${i}` }));
  for (const vcpu of offline) vcpu.goOffline();
  const readers = new Readers();
  readers.set(most, 1);
  const threads = await Promise.all(
    Array.from({ length: most }, (_, index) =>
      startThread<IntervalReader>('interval-reader', { handle: memory.handle, index, readers: readers.words }),
    ),
  );
  for (const thread of threads) memory.supervise(thread.worker);
  const cells = [0, ...plan.threads].flatMap((online) => INTERVALS.map((micros) => ({ online, micros })));
  const synchronize = (): number => timeOnce(() => memory.rcu.synchronizeBlocking({ timeoutMs: 60_000 })) / 1000;
  const samples = cells.map((): number[][] => []);
  for (let round = -1; round < Math.ceil(rounds / 2); round++) {
    for (const [at, { online, micros }] of cells.entries()) {
      readers.set(online, micros);
      while (memory.stats().readersOnline !== online) await sleep(1);
      const values = Array.from({ length: SAMPLES }, synchronize);
      if (round >= 0) samples[at]?.push(values);
    }
  }
  for (const thread of threads) await thread.stop();
  for (const vcpu of offline) vcpu.detach();
  await memory.close();
  const place = (name: string, fraction: number): Figure[] =>
    cells.map(({ online, micros }, at) => {
      const chart = `grace period, ${name}`;
      const line = `readers report every ${micros} us`;
      const values = (samples[at] as number[][]).map((round) => quantile(round, fraction));
      const point = { chart, line, x: online, axis: 'readers online' };
      return { ...figure(`${chart}: ${line}, online: ${online}`, 'us', values), point };
    });
  return [lines, ...place('p50', 0.5), ...place('p99', 0.99)];
}

export default { title: 'Grace periods by readers', ask } satisfies Question;

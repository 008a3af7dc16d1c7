/**
 * How long does a grace period take, by how many readers are online and how often they report?
 *
 * The time of `synchronizeBlocking`, with 0, 1, 2, 4 ... readers online that report every microsecond up to every
 * millisecond; the rest of them are registered and offline, and 48 more that always are. None online: the scan of the
 * slots, the least there is. Each reader costs a trip of a cache line there and one back, which run side by side, so the
 * latency should follow the longest interval and not the number of readers, until there are more threads than cores: then
 * it is the scheduler's time slice. They are asked for at times that are spread over an interval, so each should wait
 * for about half of one: back to back, one that began while the reader was still waking the owner from the last would be as
 * late, and so would all after it. p50 and p99 of the samples of a round.
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
const SETTLE_MS = 20;
/** Longer than it takes a reader to have woken the owner. */
const PAUSE_MS = 0.1;

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
      // A reader wakes on the core of who woke it, and shares it with an owner that sleeps; one that spins drives it away.
      spinFor(SETTLE_MS);
      const values = Array.from({ length: SAMPLES }, (_, i) => {
        spinFor(PAUSE_MS + (((i * 7) % SAMPLES) / SAMPLES) * (micros / 1000));
        return synchronize();
      });
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

function spinFor(milliseconds: number): void {
  for (const end = performance.now() + milliseconds; performance.now() < end; );
}

export default { title: 'Grace periods by readers', ask } satisfies Question;

/**
 * How long does a grace period take, by how many readers are online and how often they report?
 *
 * The time of `synchronizeBlocking`, with 0, 1, 2, 4 ... readers online that report every microsecond up to every
 * millisecond, and 48 more registered that are offline. None online: the scan of the slots, the least there is. Then
 * readers that report every microsecond, none of all that are registered offline, half of them, and nine tenths: an offline
 * one costs a look at its slot. Each reader costs a trip of a cache line there and one back, which run side by side, so the
 * latency should follow the longest interval and not the number of readers, until there are more threads than cores: then
 * it is the scheduler's time slice. They are asked for at times that are spread over an interval, so each should wait
 * for about half of one: back to back, one that began while the reader was still waking the owner from the last would be as
 * late, and so would all after it. p50 and p99 of the samples of a round.
 */
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { DirtyMemory } from '../../lib/index.js';
import { attachVcpu, type Vcpu } from '../../lib/vcpu.js';
import { type Figure, figure, type Point } from '../harness/figure.js';
import { timeOnce } from '../harness/in-turn.js';
import { roundTrip } from '../harness/ping-pong.js';
import type { Plan } from '../harness/plan.js';
import type { Question } from '../harness/question.js';
import { quantile } from '../harness/statistics.js';
import { startThread } from '../harness/threads.js';
import { Readers } from '../subjects/readers.js';
import type { IntervalReader } from '../workers/interval-reader.js';

const INTERVALS = [1, 10, 100, 1000];
const MANY_OFFLINE = 48;
/** Offline readers by online ones. */
const SHARES = { none: 0, half: 1, 'nine tenths': 9 };
const SAMPLES = 30;
const SETTLE_MS = 20;
/** Longer than it takes a reader to have woken the owner. */
const PAUSE_MS = 0.1;

interface Cell {
  readonly online: number;
  readonly offline: number;
  readonly micros: number;
  readonly point: Point;
}

function cellsFor(threads: readonly number[]): Cell[] {
  const byInterval = [0, ...threads].flatMap((online) =>
    INTERVALS.map((micros): Cell => {
      const line = `readers report every ${micros} us`;
      const point = { chart: 'grace period', line, x: online, axis: 'readers online' };
      return { online, offline: MANY_OFFLINE, micros, point };
    }),
  );
  const onCores = threads.filter((online) => online <= availableParallelism());
  const byShare = onCores.flatMap((online) =>
    Object.entries(SHARES).map(([x, times]): Cell => {
      const point = { chart: 'grace period over offline readers', line: `${online} online`, x, axis: 'offline' };
      return { online, offline: times * online, micros: 1, point };
    }),
  );
  return [...byInterval, ...byShare];
}

async function ask(rounds: number, plan: Plan) {
  const lines = await roundTrip();
  const most = Math.max(...plan.threads);
  const cells = cellsFor(plan.threads);
  const memory = DirtyMemory.create({ maxReaders: most + Math.max(...cells.map(({ offline }) => offline)) });
  const idle: Vcpu[] = [];
  const keepOffline = (count: number): void => {
    while (idle.length > count) idle.pop()?.detach();
    while (idle.length < count) {
      const vcpu = attachVcpu(memory.handle, { name: `idle${idle.length}` });
      vcpu.goOffline();
      idle.push(vcpu);
    }
  };
  const readers = new Readers();
  readers.set(most, 1);
  const threads = await Promise.all(
    Array.from({ length: most }, (_, index) =>
      startThread<IntervalReader>('interval-reader', { handle: memory.handle, index, readers: readers.words }),
    ),
  );
  for (const thread of threads) memory.supervise(thread.worker);
  const isRegistered = (online: number, offline: number): boolean => {
    const { readersAttached, readersOnline } = memory.stats();
    return readersOnline === online && readersAttached === online + offline;
  };
  const synchronize = (): number => timeOnce(() => memory.rcu.synchronizeBlocking({ timeoutMs: 60_000 })) / 1000;
  const samples = cells.map((): number[][] => []);
  for (let round = -1; round < Math.ceil(rounds / 2); round++) {
    for (const [at, { online, offline, micros }] of cells.entries()) {
      readers.set(online, micros);
      keepOffline(offline);
      while (!isRegistered(online, offline)) await sleep(1);
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
  keepOffline(0);
  await memory.close();
  const place = (name: string, fraction: number): Figure[] =>
    cells.map(({ point }, at) => {
      const chart = `${point.chart}, ${name}`;
      const values = (samples[at] as number[][]).map((round) => quantile(round, fraction));
      const what = `${chart}: ${point.line}, ${point.axis}: ${point.x}`;
      return { ...figure(what, 'us', values), point: { ...point, chart } };
    });
  return [lines, ...place('p50', 0.5), ...place('p99', 0.99)];
}

function spinFor(milliseconds: number): void {
  for (const end = performance.now() + milliseconds; performance.now() < end; );
}

export default { title: 'Grace periods by readers', seconds: [1, 0.8], ask } satisfies Question;

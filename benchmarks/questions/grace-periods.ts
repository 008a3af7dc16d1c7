/**
 * How does the time of a grace period depend on how many readers are online and how often they report?
 *
 * This is the time of `synchronizeBlocking`, with 0, 1, 2, 4 ... online readers that report every microsecond up to
 * every millisecond, and 48 more readers that are offline. With no reader online it is the scan of the slots, which is
 * the minimum. A second chart has readers that report every microsecond, where none, half or nine tenths of all readers
 * are offline: an offline reader costs a load of its slot. Each online reader costs a round trip of a cache line, but
 * the round trips overlap. So the latency should depend on the longest interval and not on the number of readers, until
 * there are more threads than cores; then it is the scheduler's time slice. The requests are spread over the interval,
 * so each should wait for about half an interval. Back-to-back requests would be misleading: a request that comes while
 * the reader still wakes the owner for the previous one is late by a whole interval, and so are all after it. The
 * figures are p50 and p99 of the samples of a round.
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
/** Offline readers for each online reader. */
const SHARES = { none: 0, half: 1, 'nine tenths': 9 };
const SAMPLES = 30;
const SETTLE_MS = 20;
/** Longer than a reader needs to wake the owner. */
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
      // A reader wakes up on the owner's core, and stays there while the owner sleeps. An owner that spins makes the
      // scheduler move the reader.
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

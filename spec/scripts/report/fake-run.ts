/** A stress run as reports are made of it, without the run. */
import type { StressReport } from '../../../lib/stress/report.js';
import type { TimeSpan } from '../../../lib/stress/timeline.js';
import { PERIOD_CLASSES } from '../../../lib/stress/timeline.js';
import type { TraceEvent, TraceThread } from '../../../lib/trace/index.js';
import type { StressRunData } from '../../../scripts/report/stress-page.js';

const OWNER: TraceThread = { name: 'owner', slot: undefined, identity: undefined };

export const REPORT: StressReport = {
  ...{ verdict: 'pass', interrupted: false, seed: 7, sabotage: null, vcpus: 2, pageSize: 4096, pagesPerBlock: 64 },
  ...{ kernel: 'wasm', swapThreshold: 'low', scarce: true, seconds: 10, marks: 1_234_567, marksPerSecond: 123_456 },
  ...{ marksByForm: { mark: 1_000_000, markPage: 234_567 }, storesByKeptMarks: 77_000, marksRefused: 55 },
  ...{ plugs: 40, unplugs: 39, discards: 5, populates: 4, resizes: 3, extends: 20, shrinks: 19, blocksSwapped: 60 },
  ...{ partialSwaps: 2, collectionsWithoutRoom: 1, constantBlockLooks: 500, gracePeriods: 321 },
  gracePeriodMicros: { p50: 12.25, p99: 4_500, max: 1_250_000 },
  ...{ collections: 99, audit: { stores: 900, checks: 9, pagesCompared: 450 }, usersOfMigration: 3, harvests: 60 },
  ...{ pagesHarvested: 70_000, pagesRedirtied: 60_000, restarts: 3, measurements: 8, readersCompared: 6 },
  ...{ conserved: { client: 'CODE', pages: 800 }, tableAges: [9000, 7, 0, 0, 0, 0, 0, 0] },
  ...{ objectGenerations: [4000, 30, 0, 0, 0, 0, 0, 0, 0, 0, 0], objectsRetired: 5, litmusRounds: 1024 },
  ...{ attaches: 60, callbacks: 70, blockingWaits: 8, polls: 9, faults: {}, violations: [] },
  ...{ arenaBytes: { start: 256, peak: 99_840, end: 256 }, node: 'v20.20.2' },
} as StressReport;

export function spans(count: number, vcpus = 2): TimeSpan[] {
  return Array.from({ length: count }, (_, i) => ({
    from: i / 4,
    to: (i + 1) / 4,
    ramBytes: 2 ** 24 + i * 2 ** 20,
    arenaBytes: 4096 * (i + 1),
    added: {
      marks: Array.from({ length: vcpus + 1 }, (_, place) => 1000 * (place + 1) + i),
      ...{ plugs: i % 3, unplugs: i % 2, collections: [1, 0, i] },
    },
    periods: Array.from({ length: PERIOD_CLASSES }, (_, kind) => (kind === 4 + (i % 3) ? 5 : 0)),
  }));
}

export const RUN: StressRunData = {
  report: REPORT,
  plan: { vcpus: 2, seconds: 10, seed: 7, sabotage: undefined, faults: false },
  verdict: 'PASS: no violation (2 vCPUs, 10.0 s, seed 7)',
  spans: spans(20),
  events: [],
};

/** Two vCPUs, of which one is still in the interval from before the period, and a table freed all the same. */
export const EVENTS: readonly TraceEvent[] = (() => {
  const [a, b] = ['vcpu0.3', 'vcpu1.0'].map((name, slot): TraceThread => ({ name, slot, identity: slot + 4 }));
  return [
    { time: 1, thread: a, kind: 'online', number: 5, interval: 8 },
    { time: 1.01, thread: b, kind: 'online', number: 5, interval: 2 },
    { time: 1.02, thread: OWNER, kind: 'unplug', first: 640, pages: 20 },
    { time: 1.03, thread: OWNER, kind: 'publish', why: 'shrink', clients: 7 },
    { time: 1.04, thread: OWNER, kind: 'number', number: 7, period: 4 },
    { time: 1.05, thread: b, kind: 'section' },
    { time: 1.06, thread: a, kind: 'report', number: 7, interval: 9 },
    { time: 1.07, thread: OWNER, kind: 'complete', number: 7, period: 4 },
    { time: 1.08, thread: OWNER, kind: 'free', first: 640, pages: 20 },
    { time: 1.09, thread: b, kind: 'section-end' },
    { time: 1.1, thread: a, kind: 'offline', why: 'call' },
  ] as TraceEvent[];
})();

export const FAILED: StressRunData = {
  ...RUN,
  report: {
    ...REPORT,
    verdict: 'fail',
    sabotage: 'free-without-grace-period',
    violations: [{ oracle: 'use-after-free', detail: "reader 'vcpu1.0' <holds> a freed table", second: 1.25 }],
  },
  plan: { ...RUN.plan, sabotage: 'free-without-grace-period' },
  verdict: 'FAIL: use-after-free (2 vCPUs, 10.0 s, seed 7)\nrepeat: npm run stress',
  events: EVENTS,
};

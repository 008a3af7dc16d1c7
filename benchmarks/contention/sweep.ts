/** The threads and owners of a contention sweep. All designs are open at the same time, but only one at a time runs. */
import { once } from 'node:events';
import { setImmediate as immediate, setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { DesignOwner } from '../designs/design.js';
import { DESIGN_NAMES, DESIGNS, type DesignName } from '../designs/designs.js';
import { type Owed, watchCores } from '../harness/disturbance.js';
import { Gaps } from '../harness/gaps.js';
import { median } from '../harness/statistics.js';
import type { ContendingVcpu, Ran, Run } from '../workers/contending-vcpu.js';
import { Gate } from './gate.js';
import { type OwnerLoad, work } from './owner-load.js';
import { shapeFor } from './shape.js';

export interface Window extends Run {
  readonly threads: number;
  readonly milliseconds: number;
  /** The loads of the owner; by default none. */
  readonly loads?: readonly OwnerLoad[];
}

export interface WindowResult extends Owed {
  /** Marks per second of each thread. */
  readonly rates: readonly number[];
  /** Nanoseconds of a batch: p50, p99, p99.9 over all threads. */
  readonly batch: readonly [number, number, number];
  /** For each load, which had at least one step: steps per second, and their median time. */
  readonly steps: readonly { readonly perSecond: number; readonly micros: number }[];
}

export class Sweep {
  private readonly owners: ReadonlyMap<DesignName, DesignOwner>;
  private readonly workers: readonly Worker[];
  private readonly gaps: readonly Gaps[];
  private readonly gate = new Gate();

  constructor(threads: number, skew: number) {
    this.owners = new Map(DESIGN_NAMES.map((name) => [name, DESIGNS[name].open(shapeFor(threads))]));
    this.gaps = Array.from({ length: threads }, () => new Gaps());
    this.workers = this.gaps.map((gaps, vcpu) => this.start(vcpu, skew, gaps));
  }

  async run({ design, pattern, threads, milliseconds, loads = [] }: Window): Promise<WindowResult> {
    const workers = this.workers.slice(0, threads);
    for (const gaps of this.gaps) gaps.clear();
    this.gate.close();
    const answers = workers.map(async (worker): Promise<Ran> => (await once(worker, 'message'))[0]);
    for (const worker of workers) worker.postMessage({ design, pattern } satisfies Run);
    while (this.gate.ready < threads) await immediate();
    const owner = this.owners.get(design) as DesignOwner;
    const endOf = watchCores();
    this.gate.open();
    const began = performance.now();
    const stepMicros = loads.length === 0 ? await sleep(milliseconds, []) : await work(milliseconds, owner, loads);
    this.gate.stop();
    const seconds = (performance.now() - began) / 1000;
    const busyOwner = stepMicros.flat().reduce((sum, micros) => sum + micros, 0) / 1e6 / seconds;
    const ran = await Promise.all(answers);
    const owed = endOf(threads + busyOwner);
    return {
      ...owed,
      rates: ran.map(({ marks, milliseconds: own }) => (marks / own) * 1000),
      batch: [this.batchQuantile(0.5), this.batchQuantile(0.99), this.batchQuantile(0.999)],
      steps: stepMicros.map((micros) => ({ perSecond: micros.length / seconds, micros: median(micros) })),
    };
  }

  async close(): Promise<void> {
    const ended = this.workers.map((worker) => once(worker, 'exit'));
    for (const worker of this.workers) worker.postMessage('end');
    await Promise.all(ended);
    for (const owner of this.owners.values()) await owner.close();
  }

  private start(vcpu: number, skew: number, gaps: Gaps): Worker {
    const tickets = DESIGN_NAMES.map((name) => [name, (this.owners.get(name) as DesignOwner).ticket(vcpu)] as const);
    const workerData: ContendingVcpu = {
      vcpu,
      skew,
      gate: this.gate.words,
      gaps: gaps.words,
      tickets: Object.fromEntries(tickets.map(([name, { data }]) => [name, data])) as ContendingVcpu['tickets'],
    };
    const transferList = tickets.flatMap(([, { ports }]) => ports);
    const worker = new Worker(new URL('../workers/contending-vcpu.js', import.meta.url), { workerData, transferList });
    worker.on('error', (error) => {
      throw error;
    });
    return worker;
  }

  private batchQuantile(fraction: number): number {
    return Gaps.quantile(this.gaps, 0, fraction);
  }
}

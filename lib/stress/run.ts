/**
 * The stress run. This thread owns the engine: it plugs and unplugs, collects for all three clients and judges; the
 * vCPUs, a DMA device and the litmus pair have threads of their own.
 */
import { createHistogram } from 'node:perf_hooks';
import { Arena } from '../arena/arena.js';
import { Client } from '../dirty/client.js';
import { DirtyMemory } from '../dirty-memory.js';
import type { RamBlock } from '../ram/ram-block.js';
import type { GracePeriods } from '../rcu/grace-period.js';
import type { StallReport } from '../rcu/rcu.js';
import { reportReaders } from '../rcu/registry.js';
import { CollectorFlow } from './collector-flow.js';
import { Exhaustion, PlantedFault, ThrowingListeners } from './faults.js';
import { AGES, Counter, DIMM_SLOTS, Guest, Tally } from './guest.js';
import { HotplugFlow } from './hotplug-flow.js';
import { LimitFlow } from './limit-flow.js';
import { LitmusFlow } from './litmus-flow.js';
import { OwnerModel } from './owner-model.js';
import {
  Choices,
  KERNELS,
  MAX_PAGES,
  PAGE_SIZE,
  PAGES_PER_BLOCK,
  STALL_MS,
  STUCK_FOR_GOOD_MS,
  STUCK_MS,
  type StressKernel,
  type StressPlan,
} from './plan.js';
import { RcuFlow } from './rcu-flow.js';
import { microsOf, type StressReport, vacuities } from './report.js';
import { SABOTAGES, sabotagedParts } from './sabotage/catalogue.js';
import { shippedRetirement, ThreadPool } from './thread-pool.js';
import { VcpuThreads } from './vcpu-threads.js';
import { asFinding, type Finding, Violations } from './violations.js';

/** The figures of the moment. */
export interface StressProgress {
  /** From 0 to 1. */
  readonly done: number;
  readonly marksPerSecond: number;
  readonly ramBytes: number;
  readonly gracePeriods: number;
  readonly pagesHarvested: number;
  readonly violations: number;
}

const CLIENTS = [Client.Vga, Client.Code, Client.Migration] as const;
const VGA = 1 << Client.Vga;
const MIGRATION = 1 << Client.Migration;
const PROGRESS_MS = 250;
const STARTUP_MS = 120_000;
/** With faults, threads that have not ended so long after the stop hang, and are killed. */
const LINGER_MS = 1_000;
const HANG_MS = 30_000;
/** What is broken may well hang. */
const BROKEN_MS = 3_000;
/** Directory slot of the RAM that stays. */
const BASE_SLOT = DIMM_SLOTS - 1;

export class StressRun {
  private readonly plan: StressPlan;
  private readonly pageSize: number;
  private readonly kernel: StressKernel;
  private readonly onProgress: (progress: StressProgress) => void;
  private readonly interruption: AbortSignal;
  private readonly guest = new Guest();
  private readonly violations = new Violations(() => this.stop());
  private readonly periods = createHistogram();
  private readonly memory: DirtyMemory;
  private readonly arenaStart: number;
  private readonly flows: CollectorFlow[] = [];
  private readonly fixed: RamBlock[] = [];
  private readonly hotplug: HotplugFlow;
  private readonly rcu: RcuFlow;
  private readonly limits: LimitFlow;
  private readonly pool: ThreadPool;
  private readonly vcpus: VcpuThreads;
  private readonly litmus: LitmusFlow;
  private readonly exhaustion: Exhaustion;
  private readonly listeners: ThrowingListeners;
  private readonly tally = new Tally(this.guest);
  /** When the workers were all there, in `performance.now()` milliseconds. */
  private began = Infinity;

  constructor(plan: StressPlan, onProgress: (progress: StressProgress) => void, interruption: AbortSignal) {
    this.plan = plan;
    this.pageSize = plan.pageSize ?? PAGE_SIZE;
    this.kernel = plan.kernel ?? this.choices(15).pick(KERNELS);
    this.onProgress = onProgress;
    this.interruption = interruption;
    const parts = sabotagedParts(plan.sabotage);
    this.exhaustion = new Exhaustion(this.choices(16));
    this.listeners = new ThrowingListeners(this.choices(19), this.guest);
    this.memory = new DirtyMemory(
      {
        pageSize: this.pageSize,
        pagesPerBlock: plan.pagesPerBlock ?? PAGES_PER_BLOCK,
        maxRamBytes: MAX_PAGES * this.pageSize,
        // Each vCPU's thread has visitors, and a dead one's slots are taken until its thread is gone.
        maxReaders: plan.vcpus * 8 + 8,
        kernel: this.kernel,
        debug: true,
        stallMs: plan.faults ? STUCK_MS : STALL_MS,
        // The others are tracked on demand.
        tracked: this.choices(20).pick([0, VGA, MIGRATION]),
      },
      {
        ...parts,
        allocator: (...of) => this.exhaustion.plantIn(parts.allocator(...of)),
        // Blocks are small here: swap them all the same, at a density that makes both ways common.
        swapPolicy: { oneIn: this.choices(14).between(1, 2), leastWords: 1 },
        gracePeriods: (arena) => this.timed(parts.gracePeriods(arena)),
      },
    );
    this.memory.on('stall', (report) => this.stalled(report));
    if (plan.faults) this.listeners.addTo(this.memory);
    this.arenaStart = this.memory.stats().arenaBytesInUse;
    for (const client of CLIENTS) this.addFlow(client);
    this.hotplug = new HotplugFlow(
      this.memory,
      this.guest,
      this.choices(11),
      this.violations,
      [...this.fixed],
      plan.faults,
    );
    this.rcu = new RcuFlow(this.memory, this.guest, this.choices(17), this.violations, plan.faults);
    this.limits = new LimitFlow(this.memory, this.guest, this.choices(21));
    this.addBase();
    const retirement =
      (plan.sabotage === undefined ? undefined : SABOTAGES[plan.sabotage]?.retirement) ?? shippedRetirement;
    this.pool = new ThreadPool(plan.vcpus + 3, this.memory, retirement, plan.faults, (error) => {
      if (!plan.faults) this.violations.report('unexpected-error', `pool: ${error.stack}`);
    });
    this.vcpus = new VcpuThreads(plan, this.memory, this.guest, this.pool, this.choices(18));
    this.litmus = new LitmusFlow(this.pool, this.violations);
  }

  /** @returns the report, whose verdict says what the oracles found. Never rejects for what the engine does wrong. */
  async run(): Promise<StressReport> {
    const stop = (): void => this.stop();
    this.interruption.addEventListener('abort', stop);
    if (this.interruption.aborted) stop();
    process.on('uncaughtException', this.uncaught);
    const progress = setInterval(() => this.tick(), PROGRESS_MS);
    let timer: NodeJS.Timeout | undefined;
    try {
      const workers = [...this.startVcpus(), this.startDevice(), this.startLitmus()];
      await this.allAttached();
      this.began = performance.now();
      this.violations.startClock();
      timer = setTimeout(stop, this.plan.seconds * 1000);
      this.exhaustion.active = this.plan.faults;
      const owners = [this.hotplug, this.rcu, this.limits, ...this.flows].map((flow) => this.guard(() => flow.run()));
      if (this.plan.faults) owners.push(this.plantDeaths());
      await Promise.race([Promise.all([...workers, ...owners]), this.hang()]);
      this.exhaustion.active = false;
      const seconds = (performance.now() - this.began) / 1000;
      await this.guard(() => this.finish());
      return this.report(seconds);
    } finally {
      clearTimeout(timer);
      clearInterval(progress);
      this.interruption.removeEventListener('abort', stop);
      process.off('uncaughtException', this.uncaught);
      await this.pool.destroy();
    }
  }

  private stop(): void {
    this.guest.stop();
    this.litmus.stop();
  }

  private choices(...path: number[]): Choices {
    return new Choices(this.plan.seed, ...path);
  }

  private timed(periods: GracePeriods): GracePeriods {
    periods.onComplete = (milliseconds) => this.periods.record(Math.max(1, Math.round(milliseconds * 1e6)));
    return periods;
  }

  /** The owner's own DIMMs have odd sizes and places, so that they share words with whatever is plugged beside them. */
  private addFlow(client: Client): void {
    const first = 4096 + client * 1024 + 7;
    const block = this.memory.ram.plug({
      id: `own${client}`,
      size: 301 * this.pageSize,
      offset: first * this.pageSize,
    });
    this.fixed.push(block);
    const model = new OwnerModel(this.memory, block, client, this.choices(12, client));
    const { faults } = this.plan;
    this.flows.push(
      new CollectorFlow(this.memory, this.guest, client, model, this.choices(13, client), this.violations, faults),
    );
  }

  private addBase(): void {
    const block = this.memory.ram.plug({ id: 'base', size: 500 * this.pageSize, offset: 0 });
    this.fixed.push(block);
    this.guest.announce(BASE_SLOT, 0, 500);
  }

  private startVcpus(): Promise<void>[] {
    return Array.from({ length: this.plan.vcpus }, (_, index) =>
      this.guard(() => this.vcpus.keep(index, ({ oracle, detail }) => this.violations.report(oracle, detail))),
    );
  }

  private async startDevice(): Promise<void> {
    await this.guard(async () => {
      const found = await this.pool.run<Finding | undefined>('stress-device.js', this.vcpus.task(this.plan.vcpus, 0));
      if (found !== undefined) this.violations.report(found.oracle, found.detail);
    });
  }

  private startLitmus(): Promise<void> {
    const { seed, sabotage, kernel } = this.plan;
    return this.guard(() => this.litmus.run(seed, sabotage, kernel));
  }

  /** The clock starts when every vCPU and the device mark. */
  private async allAttached(): Promise<void> {
    const deadline = performance.now() + STARTUP_MS;
    while (this.tally.of(Counter.Begun) < this.plan.vcpus + 1 && !this.guest.stopped) {
      this.tally.drain();
      if (performance.now() > deadline) this.violations.report('unexpected-error', 'the workers have not started');
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** Settles when what should have ended long ago has not. */
  private async hang(): Promise<void> {
    for (let lingered = 0; lingered < (this.violations.any ? BROKEN_MS : HANG_MS); ) {
      await new Promise((resolve) => setTimeout(resolve, PROGRESS_MS).unref());
      if (this.guest.stopped) lingered += PROGRESS_MS;
    }
    const online = reportReaders(Arena.attach('stress', this.memory.handle)).map(({ name }) => name);
    this.violations.report('hang', `not everything has ended; attached: ${online.join(', ') || 'nobody'}`);
  }

  private async plantDeaths(): Promise<void> {
    await this.vcpus.killSome();
    setTimeout(() => this.vcpus.killAll(), LINGER_MS).unref();
  }

  /** A grace period has not ended. With faults the vCPUs that hold it up are killed first. */
  private stalled(report: StallReport): void {
    if (this.plan.faults) this.vcpus.killStuck(report);
    if (report.gracePeriodMs < (this.plan.faults ? STUCK_FOR_GOOD_MS : STALL_MS)) return;
    this.violations.report('stall', `a grace period waits for ${report.readers.map((r) => r.name).join(', ')}`);
  }

  private readonly uncaught = (error: Error): void => {
    if (!(error instanceof PlantedFault)) this.violations.report('unexpected-error', `uncaught: ${error.stack}`);
  };

  private async guard(body: () => Promise<void>): Promise<void> {
    try {
      await body();
    } catch (error) {
      const { oracle, detail } = asFinding('run', error);
      this.violations.report(oracle, detail);
    }
  }

  /** The vCPUs are stopped: replicas must equal the guest's RAM, and everything must come back to the arena. */
  private async finish(): Promise<void> {
    if (this.violations.any) return;
    for (const flow of this.flows) await flow.finish();
    await this.hotplug.finish();
    await this.rcu.finish();
    for (const block of this.fixed) await this.memory.ram.unplug(block);
    await this.memory.rcu.barrier();
    const end = this.memory.stats().arenaBytesInUse;
    if (end !== this.arenaStart) {
      this.violations.report(
        'leak',
        `${end} bytes of the arena are in use at the end, ${this.arenaStart} at the start`,
      );
    }
  }

  private tick(): void {
    this.tally.drain();
    const { ramBytes, gracePeriods } = this.memory.stats();
    const seconds = Math.max(0, performance.now() - this.began) / 1000;
    this.onProgress({
      done: Math.min(1, seconds / this.plan.seconds),
      marksPerSecond: seconds > 0 ? this.tally.of(Counter.Marks) / seconds : 0,
      ramBytes,
      gracePeriods,
      pagesHarvested: this.flows.reduce((sum, { totals }) => sum + totals.pagesCollected, 0),
      violations: this.violations.list.length,
    });
  }

  private faults(): Record<string, number> {
    if (!this.plan.faults) return {};
    const { killed, stuck, ofThemselves } = this.vcpus.deaths;
    return {
      threadsKilled: killed,
      threadsStuck: stuck,
      threadsEndedThemselves: ofThemselves,
      arenaFull: this.exhaustion.planted,
      callbacksThatThrew: this.rcu.thrown,
      listenersThatThrew: this.listeners.thrown,
    };
  }

  private report(seconds: number): StressReport {
    this.tally.drain();
    const { memory, plan, flows } = this;
    const stats = memory.stats();
    const marks = this.tally.of(Counter.Marks);
    const sum = (key: keyof CollectorFlow['totals']): number => flows.reduce((all, { totals }) => all + totals[key], 0);
    const report: StressReport = {
      verdict: 'pass',
      interrupted: this.interruption.aborted,
      seed: plan.seed,
      sabotage: plan.sabotage ?? null,
      vcpus: plan.vcpus,
      pageSize: this.pageSize,
      pagesPerBlock: plan.pagesPerBlock ?? PAGES_PER_BLOCK,
      seconds: Math.round(seconds * 1000) / 1000,
      marks,
      marksPerSecond: Math.round(marks / seconds),
      marksRefused: this.tally.of(Counter.Refused),
      plugs: stats.plugs,
      unplugs: stats.unplugs,
      extends: stats.extends,
      shrinks: stats.shrinks,
      blocksSwapped: stats.blocksSwapped,
      kernel: stats.kernel,
      gracePeriods: stats.gracePeriods,
      gracePeriodMicros: microsOf(this.periods),
      collections: sum('collections'),
      harvests: stats.harvests,
      pagesHarvested: sum('pagesCollected'),
      pagesRedirtied: sum('pagesRedirtied'),
      restarts: sum('restarts'),
      measurements: sum('measurements'),
      tableAges: Array.from({ length: AGES }, (_, age) => this.tally.of(Counter.Ages + age)),
      litmusRounds: this.litmus.rounds,
      attaches: this.tally.of(Counter.Attaches),
      callbacks: this.rcu.callbacks,
      blockingWaits: this.rcu.blockingWaits,
      faults: this.faults(),
      violations: this.violations.list,
      arenaBytes: { start: this.arenaStart, peak: stats.arenaBytesPeak, end: stats.arenaBytesInUse },
      node: process.version,
    };
    if (!report.interrupted && !this.violations.any) {
      for (const lack of vacuities(report)) this.violations.report('vacuous', lack);
    }
    return { ...report, verdict: this.violations.any ? 'fail' : 'pass' };
  }
}

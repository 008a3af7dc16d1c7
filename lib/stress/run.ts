/**
 * The stress run. This thread owns the engine: it plugs and unplugs RAM, collects for all three clients, and checks the
 * results. The vCPUs, a DMA device and the two threads of the lockstep litmus test run as workers.
 */
import { createHistogram } from 'node:perf_hooks';
import { CLIENTS, type Client, clientName, MIGRATION, rootOf, VGA } from '../dirty/client.js';
import { type DirtyMemory, openEngine } from '../dirty-memory.js';
import type { Engine } from '../engine.js';
import type { Parts } from '../parts.js';
import { CheckedRanges } from '../ram/checked-ranges.js';
import type { RamBlock } from '../ram/ram-block.js';
import type { GracePeriods } from '../rcu/grace-period.js';
import type { StallReport } from '../rcu/rcu.js';
import { reportReaders } from '../rcu/registry.js';
import type { TraceEvent } from '../trace/index.js';
import { Tracking } from '../tracking.js';
import { AuditFlow } from './audit-flow.js';
import { AUDITED_FIRST, AUDITED_PAGES, AuditedRam } from './audited-ram.js';
import { BLACK_BOX_EVENTS, freeze, lastEvents } from './black-box.js';
import { CollectorFlow } from './collector-flow.js';
import { Conservation } from './conservation.js';
import { ConstantBlocks } from './constant-blocks.js';
import { Exhaustion, PlantedFault, ThrowingListeners } from './faults.js';
import { AGES, BASE_SLOT, Counter, Guest, Tally } from './guest.js';
import { HotplugFlow } from './hotplug-flow.js';
import { LimitFlow } from './limit-flow.js';
import { LitmusFlow } from './litmus-flow.js';
import { MARK_FORMS } from './marks.js';
import { GENERATION_COUNTS, ObjectPool } from './object-pool.js';
import { OwnerModel } from './owner-model.js';
import { Choices, PAGE_SIZE, STALL_MS, STUCK_FOR_GOOD_MS, STUCK_MS, type StressPlan } from './plan.js';
import { RateWatch } from './rate-watch.js';
import { RcuFlow } from './rcu-flow.js';
import { microsOf, type StressReport } from './report.js';
import { SABOTAGES, sabotagedParts } from './sabotage/catalogue.js';
import { ScarceRoom } from './scarce-room.js';
import type { Scene } from './scene.js';
import { maxPagesOf, type Shape, shapeOf, swapPolicyOf, usersOf } from './shape.js';
import { shippedRetirement, ThreadPool } from './thread-pool.js';
import { type Growing, type Level, Timeline, type TimeSpan } from './timeline.js';
import { vacuities } from './vacuity.js';
import { VcpuThreads } from './vcpu-threads.js';
import { asFinding, type Finding, Violations } from './violations.js';

/** The current figures of a run. */
export interface StressProgress {
  /** From 0 to 1. */
  readonly done: number;
  readonly marksPerSecond: number;
  readonly ramBytes: number;
  readonly gracePeriods: number;
  readonly pagesHarvested: number;
  readonly violations: number;
}

/** Pages of the base RAM, which is never unplugged, and which vCPUs use. */
const BASE_PAGES = 500;
const PROGRESS_MS = 250;
const STARTUP_MS = 120_000;
/** With faults, threads that have not ended this long after the stop are taken to hang, and are killed. */
const LINGER_MS = 1_000;
const HANG_MS = 30_000;
/** After a violation, how long to wait for the end of the run: what is broken may well hang. */
const BROKEN_MS = 3_000;

export class StressRun {
  private readonly plan: StressPlan;
  private readonly shape: Shape;
  private readonly pageSize: number;
  private readonly onProgress: (progress: StressProgress) => void;
  private readonly interruption: AbortSignal;
  private readonly guest: Guest;
  private readonly objects = new ObjectPool();
  private readonly timeline = new Timeline();
  private readonly violations = new Violations(() => {
    freeze(this.memory.handle);
    this.stop();
  });
  private recorded: readonly TraceEvent[] = [];
  private readonly periods = createHistogram();
  private readonly engine: Engine;
  private readonly memory: DirtyMemory;
  private readonly arenaStart: number;
  private readonly flows: CollectorFlow[];
  private readonly fixed: RamBlock[] = [];
  private readonly hotplug: HotplugFlow;
  private readonly rcu: RcuFlow;
  private readonly limits: LimitFlow;
  private readonly pool: ThreadPool;
  private readonly vcpus: VcpuThreads;
  private readonly litmus: LitmusFlow;
  private readonly exhaustion: Exhaustion;
  private readonly listeners: ThrowingListeners;
  private readonly constants = new ConstantBlocks((detail) => this.violations.report('constant-block', detail));
  private readonly room: ScarceRoom;
  private readonly rates: RateWatch;
  private readonly conservation: Conservation | undefined;
  private readonly audited: AuditedRam | undefined;
  private readonly audit: AuditFlow | undefined;
  private readonly tally: Tally;
  /** When all workers were ready, in `performance.now()` milliseconds. */
  private began = Infinity;

  /** @param records whether the engine records what its threads do, for `lastEvents` */
  constructor(
    plan: StressPlan,
    onProgress: (progress: StressProgress) => void,
    interruption: AbortSignal,
    records = false,
  ) {
    const sabotage = SABOTAGES[plan.sabotage ?? ''];
    this.plan = plan;
    this.shape = shapeOf(plan, sabotage?.shows);
    this.pageSize = plan.pageSize ?? PAGE_SIZE;
    this.onProgress = onProgress;
    this.interruption = interruption;
    const { kernel, pagesPerBlock, tracked, conserved, scarce } = this.shape;
    const maxPages = maxPagesOf(this.shape);
    this.guest = Guest.withPages(maxPages);
    this.tally = new Tally(this.guest);
    this.exhaustion = new Exhaustion(this.choices(16));
    this.listeners = new ThrowingListeners(this.choices(19), this.guest);
    this.room = new ScarceRoom(this.choices(15), conserved);
    this.rates = new RateWatch(this.guest, plan.vcpus + 1);
    const { engine, memory } = openEngine(
      {
        pageSize: this.pageSize,
        pagesPerBlock,
        maxRamBytes: maxPages * this.pageSize,
        // A vCPU's thread also attaches visiting readers, and the slots of a dead thread stay taken until it has ended.
        maxReaders: plan.vcpus * 8 + 8,
        kernel,
        debug: true,
        stallMs: plan.faults ? STUCK_MS : STALL_MS,
        tracked,
        ...(records ? { traceEvents: BLACK_BOX_EVENTS } : {}),
      },
      this.parts(),
    );
    this.engine = engine;
    this.memory = memory;
    this.memory.on('stall', (report) => this.stalled(report));
    if (plan.faults) this.listeners.addTo(this.memory);
    this.arenaStart = this.memory.stats().arenaBytesInUse;
    const users = usersOf(this.shape);
    const blocks = users.map((_, i) => this.plugOwn(i));
    const base = this.plugBase();
    this.conservation = conserved === undefined ? undefined : new Conservation(conserved, base, this.pageSize);
    const { guest, violations, rates, pageSize, conservation } = this;
    const scene: Scene = {
      ...{ memory, guest, violations, rates, base, pageSize, pagesPerBlock, maxPages, scarce, conservation },
      faults: plan.faults,
    };
    this.audited = AuditedRam.of(pageSize);
    // Not the client whose pages are counted, which has only one user.
    const auditedClient = conserved === MIGRATION ? VGA : MIGRATION;
    this.flows = users.map((client, i) => {
      const first = users.indexOf(client) === i;
      const shared = client === auditedClient || users.filter((other) => other === client).length > 1;
      const block = blocks[i] as RamBlock;
      const model = new OwnerModel({ memory, block, client, shared, choices: this.choices(12, i) });
      return new CollectorFlow({
        ...{ scene, client, model, choices: this.choices(13, i) },
        name: `${first ? 'a' : 'another'} user of ${clientName(client)}`,
        measures: first,
        own: first && (tracked & client) !== 0 ? this.ownUser(client) : undefined,
      });
    });
    this.hotplug = new HotplugFlow(scene, this.choices(11), blocks);
    this.rcu = new RcuFlow(scene, this.objects, this.choices(17));
    if (this.audited !== undefined) {
      const block = this.plugFixed('audited', AUDITED_FIRST, AUDITED_PAGES);
      const { audited: ram } = this;
      this.audit = new AuditFlow({ scene, client: auditedClient, block, ram, choices: this.choices(22) });
    }
    this.limits = new LimitFlow(this.memory, this.guest, this.choices(21));
    const retirement = sabotage?.retirement ?? shippedRetirement;
    const threads = { count: plan.vcpus + 3, smallHeaps: plan.faults };
    this.pool = new ThreadPool(memory, retirement, threads, (error) => {
      if (!plan.faults) this.violations.report('unexpected-error', `pool: ${error.stack}`);
    });
    const { objects, pool, audited } = this;
    const { learning } = this.shape;
    this.vcpus = new VcpuThreads({ plan, memory, guest, objects, pool, audited, learning }, this.choices(18));
    this.litmus = new LitmusFlow(this.pool, this.violations);
  }

  /** @returns the engine's parts, shipped or with the planted bug, with the run's hooks in them */
  private parts(): Parts {
    const parts = sabotagedParts(this.plan.sabotage);
    const { exhaustion, constants, rates, room } = this;
    const { scarce } = this.shape;
    return {
      ...parts,
      allocator: (arena, ...rest) => {
        const allocator = constants.plantIn(arena, exhaustion.plantIn(parts.allocator(arena, ...rest)));
        return scarce ? room.plantInAllocator(allocator) : allocator;
      },
      tables: (...of) => (scarce ? room.plantInTables(parts.tables(...of)) : parts.tables(...of)),
      rcu: (...of) => (scarce ? room.plantInRcu(parts.rcu(...of)) : parts.rcu(...of)),
      collector: (...of) => rates.plantIn(parts.collector(...of)),
      swapPolicy: swapPolicyOf(this.shape, this.choices(14)),
      gracePeriods: (arena) => this.timed(parts.gracePeriods(arena)),
    };
  }

  /** @returns the report, whose verdict says what the oracles found. Faults of the engine never make it reject. */
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
      this.guest.start();
      this.began = performance.now();
      this.violations.startClock();
      this.timeline.begin(this.growing());
      timer = setTimeout(stop, this.plan.seconds * 1000);
      this.exhaustion.active = this.plan.faults;
      const owners = [this.hotplug, this.rcu, this.limits, ...this.flows].map((flow) => this.guard(() => flow.run()));
      if (this.audit !== undefined) owners.push(this.guard(() => (this.audit as AuditFlow).run()));
      if (this.plan.faults) owners.push(this.plantDeaths());
      await Promise.race([Promise.all([...workers, ...owners]), this.hang()]);
      this.exhaustion.active = this.room.active = false;
      const seconds = (performance.now() - this.began) / 1000;
      this.timeline.end(seconds, this.growing(), this.level());
      if (this.violations.any) this.recorded = lastEvents(this.memory.handle);
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

  /** The run's course so far. */
  get spans(): readonly TimeSpan[] {
    return this.timeline.all;
  }

  /** What the threads did before the first violation that was found before the stop. Empty unless the run records. */
  get eventsBeforeViolation(): readonly TraceEvent[] {
    return this.recorded;
  }

  private stop(): void {
    this.guest.stop();
    this.litmus.stop();
  }

  private choices(...path: number[]): Choices {
    return new Choices(this.plan.seed, ...path);
  }

  private timed(periods: GracePeriods): GracePeriods {
    periods.onComplete = (milliseconds) => {
      this.periods.record(Math.max(1, Math.round(milliseconds * 1e6)));
      this.timeline.periodEnded(milliseconds);
    };
    return periods;
  }

  /**
   * The owner's own DIMMs have unaligned sizes and places, so that their bits share words with those of DIMMs beside
   * them.
   */
  private plugOwn(number: number): RamBlock {
    return this.plugFixed(`own${number}`, 4096 + number * 1024 + 7, 301);
  }

  private ownUser(client: Client): Tracking {
    const { engine, pageSize } = this;
    const ranges = new CheckedRanges(engine.ram, pageSize);
    return new Tracking({ engine, ranges, bitmap: engine.bitmapOf(client), user: engine.ownUserOf(client) });
  }

  private plugBase(): RamBlock {
    const block = this.plugFixed('base', 0, BASE_PAGES);
    this.guest.announce(BASE_SLOT, 0, BASE_PAGES);
    return block;
  }

  private plugFixed(id: string, first: number, pages: number): RamBlock {
    const block = this.memory.ram.plug({ id, size: pages * this.pageSize, offset: first * this.pageSize });
    this.fixed.push(block);
    return block;
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

  /**
   * Resolves when every vCPU and the device are ready to mark, and the litmus test runs; then the run's time begins.
   */
  private async allAttached(): Promise<void> {
    const deadline = performance.now() + STARTUP_MS;
    const isMissing = (): boolean => this.tally.of(Counter.Begun) < this.plan.vcpus + 1 || this.litmus.rounds === 0;
    while (isMissing() && !this.guest.stopped) {
      this.tally.drain();
      if (performance.now() > deadline) this.violations.report('unexpected-error', 'the workers have not started');
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** Resolves, and reports a hang, when the run has not ended long after its time. */
  private async hang(): Promise<void> {
    for (let lingered = 0; lingered < (this.violations.any ? BROKEN_MS : HANG_MS); ) {
      await new Promise((resolve) => setTimeout(resolve, PROGRESS_MS).unref());
      if (this.guest.stopped) lingered += PROGRESS_MS;
    }
    const online = reportReaders(this.engine.arena).map(({ name }) => name);
    this.violations.report('hang', `the run has not ended; attached readers: ${online.join(', ') || 'none'}`);
  }

  private async plantDeaths(): Promise<void> {
    await this.vcpus.killSome();
    setTimeout(() => this.vcpus.killAll(), LINGER_MS).unref();
  }

  /** To be called when a grace period takes too long. With faults, the vCPUs that hold it up are killed first. */
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

  /**
   * To be called when the vCPUs have stopped: replicas must equal the guest's RAM, and all memory must return to the
   * arena.
   */
  private async finish(): Promise<void> {
    if (this.violations.any) return;
    await this.audit?.finish();
    for (const flow of this.flows) await flow.finish();
    this.checkConservation();
    await this.hotplug.finish();
    await this.rcu.finish();
    for (const block of this.fixed) await this.memory.ram.unplug(block);
    await this.memory.rcu.barrier();
    this.constants.look();
    const end = this.memory.stats().arenaBytesInUse;
    if (end !== this.arenaStart) {
      this.violations.report(
        'leak',
        `${end} bytes of the arena are in use at the end, ${this.arenaStart} at the start`,
      );
    }
  }

  private checkConservation(): void {
    this.tally.drain();
    const wrong = this.conservation?.check(this.tally.of(Counter.Turned + rootOf(this.conservation.client)));
    if (wrong !== undefined) this.violations.report('conservation', wrong);
  }

  private tick(): void {
    this.tally.drain();
    const { ramBytes, gracePeriods } = this.memory.stats();
    const seconds = Math.max(0, performance.now() - this.began) / 1000;
    if (!this.guest.stopped) this.timeline.look(seconds, this.growing(), this.level());
    this.onProgress({
      done: Math.min(1, seconds / this.plan.seconds),
      marksPerSecond: seconds > 0 ? this.tally.of(Counter.Marks) / seconds : 0,
      ramBytes,
      gracePeriods,
      pagesHarvested: this.flows.reduce((sum, { totals }) => sum + totals.pagesCollected, 0),
      violations: this.violations.list.length,
    });
  }

  private growing(): Growing {
    const { plugs, unplugs } = this.memory.stats();
    const places = Array.from({ length: this.plan.vcpus + 1 }, (_, place) => this.guest.marksOf(place));
    const collections = CLIENTS.map((client) =>
      this.flows.reduce((sum, flow) => (flow.client === client ? sum + flow.totals.collections : sum), 0),
    );
    return { marks: places, plugs, unplugs, collections };
  }

  private level(): Level {
    const { ramBytes, arenaBytesInUse } = this.memory.stats();
    return { ramBytes, arenaBytes: arenaBytesInUse };
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
    const { memory, plan, flows, shape, conservation } = this;
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
      pagesPerBlock: shape.pagesPerBlock,
      kernel: stats.kernel,
      swapThreshold: shape.shippedSwaps ? 'shipped' : 'low',
      scarce: shape.scarce,
      seconds: Math.round(seconds * 1000) / 1000,
      marks,
      marksPerSecond: Math.round(marks / seconds),
      marksByForm: Object.fromEntries(MARK_FORMS.map((form, i) => [form, this.tally.of(Counter.Forms + i)])),
      storesByKeptMarks: this.tally.of(Counter.Kept),
      marksRefused: this.tally.of(Counter.Refused),
      plugs: stats.plugs,
      unplugs: stats.unplugs,
      discards: stats.discards,
      populates: stats.populates,
      resizes: stats.resizes,
      extends: stats.extends,
      shrinks: stats.shrinks,
      blocksSwapped: stats.blocksSwapped,
      partialSwaps: this.room.partialSwaps,
      collectionsWithoutRoom: sum('withoutRoom'),
      constantBlockLooks: this.constants.looks,
      gracePeriods: stats.gracePeriods,
      gracePeriodMicros: microsOf(this.periods),
      collections: sum('collections'),
      audit:
        this.audit === undefined
          ? null
          : {
              stores: this.tally.of(Counter.GuestStores),
              checks: this.audit.checks,
              pagesCompared: this.audit.pagesCompared,
            },
      usersOfMigration: usersOf(shape).length - 2,
      harvests: stats.harvests,
      pagesHarvested: sum('pagesCollected'),
      pagesRedirtied: sum('pagesRedirtied'),
      restarts: sum('restarts'),
      measurements: sum('measurements'),
      readersCompared: this.rates.compared,
      conserved:
        conservation === undefined ? null : { client: clientName(conservation.client), pages: conservation.turned },
      tableAges: this.counts(Counter.Ages, AGES),
      objectGenerations: this.counts(Counter.Generations, GENERATION_COUNTS),
      objectsRetired: this.rcu.retired,
      litmusRounds: this.litmus.rounds,
      attaches: this.tally.of(Counter.Attaches),
      callbacks: this.rcu.callbacks,
      blockingWaits: this.rcu.blockingWaits,
      polls: this.rcu.polls,
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

  private counts(first: number, length: number): number[] {
    return Array.from({ length }, (_, i) => this.tally.of(first + i));
  }
}

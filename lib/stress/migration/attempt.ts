/**
 * One migration, judged. The judge is the arbiter, has the wire, and hears everything that either host does in the order in
 * which it does it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { MigrationProgress, MigrationResult, Side } from '../../migration/index.js';
import { type Fault, type FaultPoint, Faults, isPoint, type Struck } from './faults.js';
import type { HostProcess } from './host-process.js';
import type { Ended, Image, Report } from './messages.js';
import { type DemoPlan, DIMMS, FIRST_DIMMS } from './plan.js';
import { Relay } from './relay.js';

/** A link is stalled at most so long, of the time after which an end gives up. */
const LONGEST_STALL = 1.5;
const SLOW_MS = 500;
/** Between one DIMM and the next. */
const HOTPLUG_MS = 150;
const SLOWEST_BYTES = 2 ** 17;
const FASTEST_SLOW_BYTES = 2 ** 22;

export interface Finding {
  readonly oracle: string;
  readonly detail: string;
}

/** What became of a migration, as both ends say. */
export interface AttemptOutcome {
  readonly winner: Side | undefined;
  readonly struck: readonly Struck[];
  /** Undefined: its process ended before. */
  readonly source: Ended | undefined;
  readonly destination: Ended | undefined;
  readonly saved: Image | undefined;
  readonly loaded: Image | undefined;
  readonly result: MigrationResult | undefined;
  readonly dimmsToggled: number;
}

export interface AttemptHosts {
  readonly source: HostProcess;
  readonly destination: HostProcess;
}

export interface AttemptListeners {
  readonly report: (finding: Finding) => void;
  readonly onProgress?: ((progress: MigrationProgress) => void) | undefined;
}

export class Attempt {
  private readonly plan: DemoPlan;
  private readonly hosts: AttemptHosts;
  private readonly faults: Faults;
  private readonly report: AttemptListeners['report'];
  private readonly onProgress: (progress: MigrationProgress) => void;
  private relay!: Relay;
  private winner: Side | undefined;
  /** The source has handed its machine over. */
  private handedOver = false;
  private saved: Image | undefined;
  private loaded: Image | undefined;
  private dimmsToggled = 0;

  constructor(
    plan: DemoPlan,
    hosts: AttemptHosts,
    faults: readonly Fault[],
    { report, onProgress = () => {} }: AttemptListeners,
  ) {
    this.plan = plan;
    this.hosts = hosts;
    this.faults = new Faults(faults, (fault) => this.strike(fault));
    this.report = report;
    this.onProgress = onProgress;
  }

  /** Resolves when both ends have settled, or their processes have ended. */
  async run(): Promise<AttemptOutcome> {
    const { source, destination } = this.hosts;
    const { guest, transfer } = this.plan;
    this.relay = await Relay.open(transfer.bandwidth, async (type) => {
      if (type === 'end') this.handedOver = true;
      return isPoint(type) ? this.faults.at(type) : undefined;
    });
    const { ports } = this.relay;
    const both = [source, destination] as const;
    for (const host of both) host.onReport = (report) => void this.hear(host, report);
    const ended = both.map((host) => host.next('ended'));
    const receiving = destination.next('receiving');
    destination.tell({ type: 'receive', port: ports.destination, plan: guest, transfer });
    await receiving;
    source.tell({ type: 'migrate', port: ports.source, transfer, toggledWhenSaved: this.toggledWhenSaved });
    for (const host of both) void host.gone.then(() => this.relay.cut());
    const settled = Promise.all(ended);
    const plugging = this.plan.hotplug ? this.plug(settled) : undefined;
    const [sent, received] = (await settled).map((report) => report?.outcome);
    await plugging;
    this.relay.close();
    return {
      winner: this.winner,
      struck: this.faults.struck,
      source: sent,
      destination: received,
      saved: this.saved,
      loaded: this.loaded,
      result: sent?.ok ? sent.result : undefined,
      dimmsToggled: this.dimmsToggled,
    };
  }

  private async hear(host: HostProcess, report: Report): Promise<void> {
    const side: Side = host === this.hosts.source ? 'source' : 'destination';
    switch (report.type) {
      case 'progress':
        return this.onProgress(report.progress);
      case 'toggled':
        this.dimmsToggled++;
        return;
      case 'violation':
        return this.report(report);
      case 'claim':
        return this.choose(host, report.side);
      case 'stands':
        return this.reach('stands');
      case 'saved':
        this.saved = report;
        return this.reach('saved');
      case 'loaded':
        this.compare(report);
        return this.reach('loaded');
      case 'runs': {
        const chosen = side === 'destination' ? this.winner === 'destination' : this.mayResume;
        if (!chosen) {
          const who = this.winner === undefined ? 'nobody was chosen yet' : `the ${this.winner} was chosen`;
          this.report({ oracle: 'not-chosen', detail: `the ${side} runs its vCPUs, and ${who}` });
        }
        return this.reach('runs');
      }
    }
  }

  /** An order would come when the state has been saved. */
  private get toggledWhenSaved(): number[] {
    return this.faults.planned
      .filter(({ kind, point }) => kind === 'hotplug' && point === 'saved')
      .map(({ part }) => dimmOf(part));
  }

  private async reach(point: FaultPoint): Promise<void> {
    if ((await this.faults.at(point)) !== undefined) this.relay.cut();
  }

  private get mayResume(): boolean {
    return this.handedOver ? this.winner === 'source' : this.winner !== 'destination';
  }

  /** The arbiter: the first claim wins. One whose process was killed on the way was not heard. */
  private async choose(host: HostProcess, side: Side): Promise<void> {
    await this.reach(`${side} claims`);
    if (host.killed) return;
    this.winner ??= side;
    await this.reach(`${side} told`);
    host.tell({ type: 'chosen', winner: this.winner });
  }

  private compare(loaded: Image): void {
    this.loaded = loaded;
    const { saved } = this;
    if (saved === undefined) throw new Error('a machine has arrived that never left');
    if (!isDeepStrictEqual(saved.steps, loaded.steps)) {
      const detail = `vCPUs left after ${saved.steps.join(', ')} steps, and arrived after ${loaded.steps.join(', ')}`;
      this.report({ oracle: 'went-back', detail });
    }
    if (isDeepStrictEqual(saved.digests, loaded.digests)) return;
    const ids = new Set([...Object.keys(saved.digests), ...Object.keys(loaded.digests)]);
    const differ = [...ids].filter((id) => saved.digests[id] !== loaded.digests[id]);
    this.report({ oracle: 'ram-differs', detail: `${differ.join(', ')} arrived otherwise than it was when it left` });
  }

  private async strike({ kind, point, part }: Fault): Promise<void> {
    const { source, destination } = this.hosts;
    const { stallMs } = this.plan.transfer;
    switch (kind) {
      case 'source killed':
        return source.kill();
      case 'destination killed':
        return destination.kill();
      case 'source cancelled':
        return source.tell({ type: 'cancel' });
      case 'destination cancelled':
        return destination.tell({ type: 'cancel' });
      case 'hotplug':
        if (point === 'saved') return; // the source was told before
        return source.tell({ type: 'toggle', dimm: dimmOf(part), standing: true });
      case 'link stalled':
        this.relay.stalledUntil = performance.now() + part * stallMs * LONGEST_STALL;
        return;
      case 'link slow':
        this.relay.bandwidth = SLOWEST_BYTES + part * (FASTEST_SLOW_BYTES - SLOWEST_BYTES);
        setTimeout(() => {
          this.relay.bandwidth = this.plan.transfer.bandwidth;
        }, SLOW_MS);
        return;
      case 'link cut':
        return this.relay.cut();
    }
  }

  /** DIMMs come and go, one after another, until the migration has ended. */
  private async plug(settled: Promise<unknown>): Promise<void> {
    let over = false;
    void settled.then(() => {
      over = true;
    });
    for (let turn = 0; !over; turn++) {
      const dimm = FIRST_DIMMS + (turn % (DIMMS - FIRST_DIMMS));
      this.hosts.source.tell({ type: 'toggle', dimm, standing: false });
      await Promise.race([settled, sleep(HOTPLUG_MS)]);
    }
  }
}

/** One of those that come and go. */
function dimmOf(part: number): number {
  return FIRST_DIMMS + Math.min(DIMMS - FIRST_DIMMS - 1, Math.floor(part * (DIMMS - FIRST_DIMMS)));
}

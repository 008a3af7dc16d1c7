/**
 * One migration, with its oracles. The judge acts as the arbiter, relays all data between the hosts, and receives a
 * report of everything that a host does, in order.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { MigrationProgress, MigrationResult, Side } from '../../migration/index.js';
import { type Fault, type FaultPoint, Faults, isPoint, type Struck } from './faults.js';
import type { HostProcess } from './host-process.js';
import type { Ended, Image, Report } from './messages.js';
import { type DemoPlan, DIMMS, FIRST_DIMMS } from './plan.js';
import { Relay } from './relay.js';

/** Longest stall of the link, as a multiple of the time after which a side gives up. */
const LONGEST_STALL = 1.5;
const SLOW_MS = 500;
/** Time between one plug or unplug and the next. */
const HOTPLUG_MS = 150;
const SLOWEST_BYTES = 2 ** 17;
const FASTEST_SLOW_BYTES = 2 ** 22;

export interface Finding {
  readonly oracle: string;
  readonly detail: string;
}

/** The outcome of a migration, as both sides report it. */
export interface AttemptOutcome {
  readonly winner: Side | undefined;
  readonly struck: readonly Struck[];
  /** Undefined when the process ended before it could report. */
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
  /** Whether the source has handed its machine over. */
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

  /** Resolves when both sides have reported their end, or their processes have ended. */
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
          this.report({ oracle: 'not-chosen', detail: `the ${side} runs its vCPUs, but ${who}` });
        }
        return this.reach('runs');
      }
    }
  }

  /** DIMMs that the source toggles by itself while it saves its state, because an order would arrive too late. */
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

  /**
   * The arbiter: the first claim wins. A claim does not count when its process was killed before the claim was heard.
   */
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
    if (saved === undefined) throw new Error('a machine has arrived, but no state was saved');
    if (!isDeepStrictEqual(saved.steps, loaded.steps)) {
      const detail = `when the machine left, its vCPUs had done ${saved.steps.join(', ')} steps; when it arrived, ${loaded.steps.join(', ')}`;
      this.report({ oracle: 'went-back', detail });
    }
    if (isDeepStrictEqual(saved.digests, loaded.digests)) return;
    const ids = new Set([...Object.keys(saved.digests), ...Object.keys(loaded.digests)]);
    const differ = [...ids].filter((id) => saved.digests[id] !== loaded.digests[id]);
    this.report({
      oracle: 'ram-differs',
      detail: `the contents of ${differ.join(', ')} changed between leaving and arriving`,
    });
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
        if (point === 'saved') return; // the source knows it already, by `toggledWhenSaved`
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

  /** Plugs and unplugs DIMMs, one after another, until the migration has ended. */
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

/** @returns one of the DIMMs that are plugged and unplugged */
function dimmOf(part: number): number {
  return FIRST_DIMMS + Math.min(DIMMS - FIRST_DIMMS - 1, Math.floor(part * (DIMMS - FIRST_DIMMS)));
}

/**
 * Checks after each migration that there is exactly one good machine. It replaces hosts whose processes have ended, and
 * starts a new machine when the last one was killed with its process.
 */
import type { MigrationProgress } from '../../migration/index.js';
import { makeTemporaryFolder, removeTemporaryFolder } from '../temporary-folder.js';
import { Attempt, type AttemptOutcome, type Finding } from './attempt.js';
import type { Fault } from './faults.js';
import { HostProcess } from './host-process.js';
import type { Report, ReportOf } from './messages.js';
import type { DemoPlan, GuestPlan } from './plan.js';
import { RunLock } from './run-lock.js';
import { within } from './within.js';

/**
 * What became of the machine. `gone`: it was killed with its process, and the other host's machine had stopped for
 * good.
 */
export type Fate = 'arrived' | 'stayed' | 'gone';

/** Time limit for a check, in which every running vCPU must do a step and all RAM is checked. */
const CHECK_MS = 60_000;

export class Judge {
  private readonly guest: GuestPlan;
  private readonly sabotage: string | undefined;
  private readonly report: (finding: Finding) => void;
  private readonly folder = makeTemporaryFolder('migration');
  private readonly lock = new RunLock(this.folder);
  private hosts: HostProcess[] = [];
  private hostsSoFar = 0;
  private closed = false;
  /** The host that has the machine. */
  private holder: HostProcess | undefined;
  /** For each vCPU, the least number of steps that it must have done. */
  private steps: readonly number[] = [];

  constructor(guest: GuestPlan, sabotage: string | undefined, report: (finding: Finding) => void) {
    this.guest = guest;
    this.sabotage = sabotage;
    this.report = report;
  }

  /** Migrates the current machine to the other host, as far as the faults allow. */
  async migrate(
    plan: DemoPlan,
    faults: readonly Fault[],
    onProgress?: (progress: MigrationProgress) => void,
  ): Promise<{ readonly outcome: AttemptOutcome; readonly fate: Fate | undefined }> {
    while (this.hosts.length < 2) this.start();
    const source = await this.machine();
    const destination = this.hosts.find((host) => host !== source) as HostProcess;
    const hosts = { source, destination };
    const outcome = await new Attempt(plan, hosts, faults, { report: this.report, onProgress }).run();
    for (const host of [source, destination]) host.onReport = this.hearViolation;
    for (const end of [outcome.source, outcome.destination]) {
      if (end?.ok === false && end.reason === 'undecided') this.found('undecided', end.message);
    }
    return { outcome, fate: await this.look(hosts, outcome) };
  }

  /** Kills all processes, also those that hang. */
  async close(): Promise<void> {
    this.closed = true;
    await Promise.all(this.hosts.map((host) => host.kill()));
    removeTemporaryFolder(this.folder);
  }

  /** @returns the host that has the machine; boots a new machine if the last one was killed with its process */
  private async machine(): Promise<HostProcess> {
    if (this.holder !== undefined) return this.holder;
    const host = this.hosts[0] as HostProcess;
    host.tell({ type: 'boot', plan: this.guest });
    if ((await host.next('booted')) === undefined) {
      throw new Error(`${host.name} did not start; its output: ${host.output}`);
    }
    this.holder = host;
    this.steps = [];
    return host;
  }

  private start(): void {
    if (this.closed) throw new Error('the judge is closed');
    const { folder, sabotage } = this;
    const host = new HostProcess({ name: `host ${++this.hostsSoFar}`, folder, sabotage });
    host.onReport = this.hearViolation;
    this.hosts.push(host);
  }

  /** Listens for violations between migrations. */
  private readonly hearViolation = (report: Report): void => {
    if (report.type === 'violation') this.report(report);
  };

  private async look(
    hosts: { readonly source: HostProcess; readonly destination: HostProcess },
    { winner, saved }: AttemptOutcome,
  ): Promise<Fate | undefined> {
    const { source, destination } = hosts;
    const running: HostProcess[] = [];
    for (const host of [source, destination]) {
      const checked = host.isAlive ? await this.check(host) : undefined;
      if (!host.isAlive && !host.killed) this.crashed(host);
      if (checked?.runs) {
        running.push(host);
        this.judge(host, checked, saved?.steps ?? this.steps);
      }
    }
    this.hosts = this.hosts.filter((host) => host.isAlive);
    if (running.length > 1) this.found('two-machines', 'both hosts run the machine after the migration');
    this.holder = running[0];
    if (this.holder !== undefined) return this.holder === destination ? 'arrived' : 'stayed';
    const chosen = winner === 'destination' ? destination : source;
    if (!chosen.killed) this.found('no-machine', `the ${winner ?? 'source'} should run the machine, but does not`);
    if (this.lock.holder !== undefined) this.lock.release(); // the process that held it has ended
    return chosen.killed ? 'gone' : undefined;
  }

  /** Judges a running machine. @param least for each vCPU, the least number of steps that it must have done */
  private judge(host: HostProcess, { steps, fault }: ReportOf<'checked'>, least: readonly number[]): void {
    if (fault !== undefined) this.found('guest-broken', `${host.name}: ${fault}`);
    if (least.some((before, vcpu) => (steps[vcpu] as number) < before)) {
      this.found('went-back', `vCPUs had done ${least.join(', ')} steps before, but only ${steps.join(', ')} now`);
    }
    this.steps = steps;
  }

  private async check(host: HostProcess): Promise<ReportOf<'checked'> | undefined> {
    const checked = host.next('checked');
    host.tell({ type: 'check' });
    const answer = await within(CHECK_MS, checked);
    if (answer !== 'late') return answer;
    this.found('no-machine', `the vCPUs of ${host.name} should run, but do nothing`);
    return undefined;
  }

  private crashed(host: HostProcess): void {
    this.found('crash', `the process of ${host.name} ended; its output: ${host.output}`);
  }

  private found(oracle: string, detail: string): void {
    this.report({ oracle, detail });
  }
}

/** The judge's handle of a host's process. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { HostConfig } from './host.js';
import type { Order, Report, ReportOf } from './messages.js';

/**
 * Has the extension of this file, because Node looks for a process's main program before any hook could map .js to .ts.
 */
const HOST = fileURLToPath(new URL(`../../../workers/migration-host${extname(import.meta.url)}`, import.meta.url));

export class HostProcess {
  readonly name: string;
  /** Whether the judge has killed the process. */
  killed = false;
  /** Called with every report, in order. */
  onReport: (report: Report) => void = () => {};
  /** Resolves when the process has ended, and all its reports and output have been received. */
  readonly gone: Promise<void>;
  private readonly child: ChildProcess;
  private said = '';
  private waiting: ((report: Report | undefined) => boolean)[] = [];
  private alive = true;

  constructor({ name, folder, sabotage }: HostConfig) {
    this.name = name;
    this.child = fork(HOST, [name, folder, ...(sabotage === undefined ? [] : [sabotage])], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    const more = (chunk: Buffer): void => {
      this.said = (this.said + chunk).slice(-4000);
    };
    this.child.stdout?.on('data', more);
    this.child.stderr?.on('data', more);
    this.child.on('message', (report: Report) => {
      this.onReport(report);
      this.wake(report);
    });
    this.gone = Promise.all([once(this.child, 'close'), once(this.child, 'disconnect')]).then(() => {
      this.alive = false;
      this.wake(undefined);
    });
  }

  get isAlive(): boolean {
    return this.alive;
  }

  /** The output of the process, which should be empty. */
  get output(): string {
    return this.said;
  }

  tell(order: Order): void {
    if (this.child.connected) this.child.send(order, () => {}); // ignore the error of a process that has ended
  }

  /** Resolves to the next report of the type, or to undefined when the process ends before such a report. */
  next<Type extends Report['type']>(type: Type): Promise<ReportOf<Type> | undefined> {
    return new Promise((resolve) => {
      if (!this.alive) return resolve(undefined);
      this.waiting.push((report) => {
        if (report !== undefined && report.type !== type) return false;
        resolve(report as ReportOf<Type> | undefined);
        return true;
      });
    });
  }

  /** Kills the process at once, like a power failure. */
  async kill(): Promise<void> {
    this.killed = true;
    this.child.kill('SIGKILL');
    await this.gone;
  }

  private wake(report: Report | undefined): void {
    this.waiting = this.waiting.filter((take) => !take(report));
  }
}

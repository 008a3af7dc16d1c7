/** A host, as the judge sees it. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { HostConfig } from './host.js';
import type { Order, Report, ReportOf } from './messages.js';

/** The program that a process begins with is looked for before there are hooks that know of sources. */
const HOST = fileURLToPath(new URL(`../../../workers/migration-host${extname(import.meta.url)}`, import.meta.url));

export class HostProcess {
  readonly name: string;
  /** The judge has killed it. */
  killed = false;
  /** Told of every report, in the order in which they were made. */
  onReport: (report: Report) => void = () => {};
  /** It has ended, by itself if it was not killed, and everything that it said was heard. */
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

  /** What it has printed, which should be nothing. */
  get output(): string {
    return this.said;
  }

  tell(order: Order): void {
    if (this.child.connected) this.child.send(order, () => {}); // one that is gone hears nothing
  }

  /** Resolves to the next report of the type; to undefined when the process has ended before. */
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

  /** At once, as a power failure would. */
  async kill(): Promise<void> {
    this.killed = true;
    this.child.kill('SIGKILL');
    await this.gone;
  }

  private wake(report: Report | undefined): void {
    this.waiting = this.waiting.filter((take) => !take(report));
  }
}

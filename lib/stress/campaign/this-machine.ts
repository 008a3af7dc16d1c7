/** Does the runs of a campaign on this machine, some at the same time, each in a process of its own. */
import { type Programs, runChild } from './child-run.js';
import { HOST } from './host.js';
import type { Activity, Place } from './place.js';
import type { RunResult } from './results-file.js';
import type { Run } from './run.js';

export class ThisMachine implements Place {
  private readonly programs: Programs;
  private readonly build: string;
  private readonly jobs: number;
  private running = 0;

  /** @param jobs how many runs go on at the same time */
  constructor(programs: Programs, build: string, jobs: number) {
    this.programs = programs;
    this.build = build;
    this.jobs = jobs;
  }

  get activity(): Activity {
    return { running: this.running, lanes: this.jobs, hosts: [HOST.name] };
  }

  async do(
    runs: readonly Run[],
    graceSeconds: number,
    onResult: (result: RunResult) => void,
    stop: AbortSignal,
  ): Promise<void> {
    const queue = [...runs].reverse();
    const failed = new AbortController();
    const ending = AbortSignal.any([stop, failed.signal]);
    const lane = async (): Promise<void> => {
      for (let run = queue.pop(); run !== undefined && !ending.aborted; run = queue.pop()) {
        this.running++;
        const result = await runChild(this.programs, this.build, run, graceSeconds, ending).finally(
          () => this.running--,
        );
        if (result === undefined) return;
        onResult(result);
      }
    };
    const lanes = Array.from({ length: this.jobs }, () =>
      lane().catch((error) => {
        failed.abort();
        throw error;
      }),
    );
    const ends = await Promise.allSettled(lanes);
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  }
}

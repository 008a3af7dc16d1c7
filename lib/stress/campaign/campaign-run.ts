/** Makes the runs of a campaign that have no result yet, some at the same time, and keeps each result at once. */
import { repeatCommand } from '../report.js';
import type { Campaign } from './campaign-file.js';
import { runChild } from './child-run.js';
import type { ResultsFile, RunResult } from './results-file.js';

export interface CampaignProgress {
  readonly done: number;
  readonly failed: number;
  readonly total: number;
  readonly secondsLeft: number;
}

/** Estimate, until the first run has ended, of the time that a run needs to start and to end its threads. */
const USUAL_OVERHEAD_SECONDS = 2;

export class CampaignRun {
  private readonly campaign: Campaign;
  private readonly results: ResultsFile;
  /** The program that provides the command `stress`, and its first arguments. */
  private readonly command: readonly string[];
  private readonly onProgress: (progress: CampaignProgress) => void;
  /** For each run that this process has made, the seconds it took beyond its own time. */
  private readonly overheads: number[] = [];

  constructor(
    campaign: Campaign,
    results: ResultsFile,
    command: readonly string[],
    onProgress: (progress: CampaignProgress) => void,
  ) {
    this.campaign = campaign;
    this.results = results;
    this.command = command;
    this.onProgress = onProgress;
  }

  /**
   * Resolves when all runs have ended, or when `stop` is aborted. Runs that are stopped have no result, and are
   * repeated when the campaign is resumed.
   * @throws (rejects) when a result cannot be written, after all runs have ended
   */
  async run(stop: AbortSignal): Promise<void> {
    const queue = this.campaign.plans.filter((plan) => !this.results.results.has(repeatCommand(plan)));
    const failed = new AbortController();
    const ending = AbortSignal.any([stop, failed.signal]);
    const lane = async (): Promise<void> => {
      for (let plan = queue.shift(); plan !== undefined && !ending.aborted; plan = queue.shift()) {
        const result = await runChild(this.command, plan, this.campaign.graceSeconds, ending);
        if (result === undefined) return;
        this.results.append(result);
        this.overheads.push(result.wallSeconds - plan.seconds);
        this.onProgress(this.progress());
      }
    };
    this.onProgress(this.progress());
    const lanes = Array.from({ length: this.campaign.parallel }, () =>
      lane().catch((error) => {
        failed.abort();
        throw error;
      }),
    );
    const ends = await Promise.allSettled(lanes);
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  }

  /** The results so far. */
  get done(): RunResult[] {
    const known = this.campaign.plans.map((plan) => this.results.results.get(repeatCommand(plan)));
    return known.filter((result) => result !== undefined);
  }

  progress(): CampaignProgress {
    const { plans, parallel } = this.campaign;
    const { done, overheads } = this;
    const left = plans.filter((plan) => !this.results.results.has(repeatCommand(plan)));
    const sum = overheads.reduce((total, seconds) => total + seconds, 0);
    const overhead = overheads.length === 0 ? USUAL_OVERHEAD_SECONDS : sum / overheads.length;
    const seconds = left.reduce((total, plan) => total + plan.seconds + overhead, 0);
    return {
      done: done.length,
      failed: done.filter(({ verdict }) => verdict === 'fail').length,
      total: plans.length,
      secondsLeft: seconds / parallel,
    };
  }
}

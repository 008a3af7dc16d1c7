/** Has the runs of a campaign done that have no result yet, wherever that is, and keeps each result once. */
import type { Campaign } from './campaign-file.js';
import type { Place } from './place.js';
import type { ResultsFile, RunResult } from './results-file.js';
import type { Run } from './run.js';
import { TimeLeft } from './time-left.js';

export interface CampaignProgress {
  readonly done: number;
  readonly failed: number;
  readonly running: number;
  readonly total: number;
  /** Results in the last ten minutes, by the minute. */
  readonly perMinute: number;
  readonly secondsLeft: number;
  /** Names of the machines. */
  readonly hosts: readonly string[];
}

const WINDOW_MS = 600_000;

export class CampaignRun {
  private readonly campaign: Campaign;
  private readonly results: ResultsFile;
  private readonly place: Place;
  private readonly onProgress: (progress: CampaignProgress) => void;
  private readonly runs: ReadonlyMap<string, Run>;
  private readonly began = performance.now();
  /** When each of the last results came. */
  private readonly recent: number[] = [];
  private doneCount = 0;
  private failedCount = 0;
  private readonly timeLeft = new TimeLeft();

  constructor(
    campaign: Campaign,
    results: ResultsFile,
    place: Place,
    onProgress: (progress: CampaignProgress) => void,
  ) {
    this.campaign = campaign;
    this.results = results;
    this.place = place;
    this.onProgress = onProgress;
    this.runs = new Map(campaign.runs.map((run) => [run.repeat, run]));
    for (const run of campaign.runs) {
      const result = results.results.get(run.repeat);
      if (result === undefined) this.timeLeft.add(run);
      else this.count(result);
    }
  }

  /**
   * Resolves when all runs have a result, or when `stop` is aborted. Runs that are stopped have no result, and are done
   * when the campaign is resumed.
   * @throws (rejects) when a result cannot be written, after all runs have ended
   */
  async run(stop: AbortSignal): Promise<void> {
    const left = this.campaign.runs.filter((run) => !this.results.results.has(run.repeat));
    this.onProgress(this.progress());
    await this.place.do(left, this.campaign.graceSeconds, (result) => this.keep(result), stop);
  }

  /** The results so far. */
  get done(): RunResult[] {
    const known = this.campaign.runs.map((run) => this.results.results.get(run.repeat));
    return known.filter((result) => result !== undefined);
  }

  progress(): CampaignProgress {
    const { running, lanes, hosts } = this.place.activity;
    const now = performance.now();
    while (this.recent[0] !== undefined && this.recent[0] < now - WINDOW_MS) this.recent.shift();
    const minutes = Math.max(1, Math.min(WINDOW_MS, now - this.began)) / 60_000;
    return {
      done: this.doneCount,
      failed: this.failedCount,
      running,
      total: this.runs.size,
      perMinute: this.recent.length / minutes,
      secondsLeft: this.timeLeft.seconds / lanes,
      hosts,
    };
  }

  private keep(result: RunResult): void {
    const run = this.runs.get(result.repeat);
    if (run === undefined || !this.results.append(result)) return;
    this.count(result);
    this.timeLeft.done(run, result.wallSeconds);
    this.recent.push(performance.now());
    this.onProgress(this.progress());
  }

  private count(result: RunResult): void {
    this.doneCount++;
    if (result.verdict === 'fail') this.failedCount++;
  }
}

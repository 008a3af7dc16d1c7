/** Where the runs of a campaign are done: on this machine (`ThisMachine`), or by workers that take them from a queue. */
import type { RunResult } from './results-file.js';
import type { Run } from './run.js';

export interface Place {
  /**
   * Does the runs, in any order. Resolves when each has a result, or when `stop` is aborted; runs that are stopped have
   * no result.
   * @param onResult told each result, and maybe one of them twice: the campaign's results keep it once
   * @throws (rejects) what `onResult` throws, after all runs have ended
   */
  do(
    runs: readonly Run[],
    graceSeconds: number,
    onResult: (result: RunResult) => void,
    stop: AbortSignal,
  ): Promise<void>;

  /** What is going on, as far as this process knows. */
  readonly activity: Activity;
}

export interface Activity {
  /** Runs that are being done. */
  readonly running: number;
  /** How many runs can be done at the same time; at least 1. */
  readonly lanes: number;
  /** Names of the machines that do runs. */
  readonly hosts: readonly string[];
}

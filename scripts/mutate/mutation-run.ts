/**
 * Runs each mutant against its suite in a sandbox, and keeps the results. All mutants run through the first stage of
 * specs, the survivors through the second, and so on. So a run that is interrupted has judged most mutants already.
 */
import { basename, join } from 'node:path';
import type { Mutant } from './mutants.js';
import type { Result, Results } from './results.js';
import { runSpecs } from './run-specs.js';
import { Sandbox } from './sandbox.js';
import { type Stage, type Suite, specsOf } from './suites.js';

/** A stage may take this many times as long as without a mutant, because the machine may get busier. */
const PATIENCE = 4;
const LEAST_LIMIT_SECONDS = 30;

/** Stands for a mutant's id in the result of a run without a mutant. */
const UNMUTATED = 'unmutated';

export interface Task {
  readonly mutant: Mutant;
  readonly suite: Suite;
}

export interface RunOptions {
  readonly root: string;
  /** The folder in which the sandboxes are made. */
  readonly folder: string;
  readonly results: Results;
  readonly jobs: number;
  /** Time limit of a stage. Left out, it follows from the time that the stage takes without a mutant. */
  readonly limitSeconds?: number | undefined;
  readonly stop: AbortSignal;
  /** Called when the result of a mutant is known. */
  readonly onResult: (task: Task, result: Result) => void;
}

/** Some specs fail without a mutant, so they cannot judge any mutant. */
export class UnmutatedFailure extends Error {}

export class MutationRun {
  private readonly options: RunOptions;
  private readonly specs = new Map<Stage, readonly string[]>();
  /** Messages of the specs that failed without a mutant. */
  private readonly failures: string[] = [];
  /** Time limits of stages in milliseconds, by the stages' spec files. */
  private readonly limits = new Map<string, Promise<number | undefined>>();

  constructor(options: RunOptions) {
    this.options = options;
  }

  /** @returns how the mutant died, or that it survived every stage; undefined while neither is known */
  resultOf({ mutant, suite }: Task): Result | undefined {
    const found = suite.stages.map((stage) => this.options.results.of(mutant.id, stage.name, this.specsOf(stage)));
    const death = found.find((result) => result !== undefined && result.verdict !== 'survived');
    return death ?? (found.includes(undefined) ? undefined : found.at(-1));
  }

  /**
   * Runs the mutants that have no result yet; returns early when stopped.
   * @throws UnmutatedFailure at the end, when the specs of a stage failed without a mutant
   */
  async run(tasks: readonly Task[]): Promise<void> {
    const { root, folder, jobs, stop } = this.options;
    const left = tasks.filter((task) => this.resultOf(task) === undefined);
    const sandboxes: Sandbox[] = [];
    const most = Math.max(0, ...left.map(({ suite }) => suite.stages.length));
    try {
      while (sandboxes.length < Math.min(jobs, left.length)) {
        sandboxes.push(await Sandbox.create(root, join(folder, `sandbox-${sandboxes.length}`)));
      }
      for (let number = 0; number < most; number++) {
        const queue = left.filter((task) => this.isDue(task, number));
        const work = async (sandbox: Sandbox): Promise<void> => {
          for (let task = queue.shift(); task !== undefined && !stop.aborted; task = queue.shift()) {
            await this.judge(sandbox, task, task.suite.stages[number] as Stage);
          }
        };
        const ends = await Promise.allSettled(sandboxes.map(work));
        for (const end of ends) if (end.status === 'rejected') throw end.reason;
      }
      if (this.failures.length > 0) throw new UnmutatedFailure(this.failures.join('\n'));
    } finally {
      for (const sandbox of sandboxes) sandbox.remove();
    }
  }

  private isDue(task: Task, number: number): boolean {
    const stage = task.suite.stages[number];
    if (stage === undefined || this.resultOf(task) !== undefined) return false;
    return this.options.results.of(task.mutant.id, stage.name, this.specsOf(stage)) === undefined;
  }

  private specsOf(stage: Stage): readonly string[] {
    let specs = this.specs.get(stage);
    if (specs === undefined) {
      specs = specsOf(this.options.root, stage);
      this.specs.set(stage, specs);
    }
    return specs;
  }

  private async judge(sandbox: Sandbox, task: Task, stage: Stage): Promise<void> {
    const { results, stop, onResult } = this.options;
    const { file, id, text } = task.mutant;
    const specs = this.specsOf(stage);
    const limit = await this.limitOf(sandbox, stage);
    if (limit === undefined) return;
    const began = performance.now();
    const restore = sandbox.mutate(file, text);
    const outcome = await runSpecs(sandbox.folder, namesakeFirst(specs, file), limit, stop);
    restore();
    if (outcome === undefined) return;
    results.add(id, stage.name, secondsSince(began), outcome, specs);
    const result = this.resultOf(task);
    if (result !== undefined) onResult(task, result);
  }

  /**
   * @returns the limit in milliseconds; undefined when the run was stopped, or when the specs fail without a mutant
   */
  private limitOf(sandbox: Sandbox, stage: Stage): Promise<number | undefined> {
    const key = this.specsOf(stage).join();
    let limit = this.limits.get(key);
    if (limit === undefined) {
      limit = this.measure(sandbox, stage);
      this.limits.set(key, limit);
    }
    return limit;
  }

  private async measure(sandbox: Sandbox, stage: Stage): Promise<number | undefined> {
    const { results, limitSeconds, stop } = this.options;
    const specs = this.specsOf(stage);
    let passed = results.of(UNMUTATED, stage.name, specs);
    if (passed === undefined) {
      const began = performance.now();
      const outcome = await runSpecs(sandbox.folder, specs, 2 ** 31 - 1, stop);
      if (outcome === undefined) return undefined;
      if (outcome.verdict !== 'survived') {
        const what = outcome.verdict === 'killed' ? outcome.title : outcome.verdict === 'crashed' ? outcome.said : '';
        this.failures.push(`without a mutant the specs of stage '${stage.name}' fail: ${what}`);
        return undefined;
      }
      passed = results.add(UNMUTATED, stage.name, secondsSince(began), outcome, specs);
    }
    return (limitSeconds ?? Math.max(LEAST_LIMIT_SECONDS, PATIENCE * passed.seconds)) * 1000;
  }
}

/** Puts the spec that is named after the mutant's file first, because that spec kills most mutants. */
function namesakeFirst(specs: readonly string[], file: string): string[] {
  const name = basename(file).replace(/ts$/, 'spec.ts');
  return [...specs].sort((a, b) => Number(basename(b) === name) - Number(basename(a) === name));
}

function secondsSince(began: number): number {
  return Math.round(performance.now() - began) / 1000;
}

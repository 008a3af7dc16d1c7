/**
 * Runs each mutant in a sandbox against the specs of its suite that reach its function, and keeps the results. All
 * mutants run through the first stage of specs, the survivors through the second, and so on. So a run that is interrupted
 * has judged most mutants already.
 */
import { rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Mutant } from './mutants.js';
import { reaches, readReach } from './reach.js';
import type { Result, Results } from './results.js';
import { runSpecs, type SpecsOutcome } from './run-specs.js';
import { Sandbox } from './sandbox.js';
import { type Stage, type Suite, specsOf } from './suites.js';

/** Specs may take this many times as long as without a mutant, because the machine may get busier. */
const PATIENCE = 4;
const LEAST_LIMIT_SECONDS = 10;
/** So many spec files run before the others, in a process of their own, which need not load the others. */
const FIRST_SPECS = 3;

/** Stands for a mutant's id in the result of a spec file without a mutant; the spec file stands for the stage. */
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
  /** Time limit of a mutant's specs. Left out, it follows from the time that they take without a mutant. */
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
  /** What is known of the spec files, by their names; nothing of those that fail without a mutant. */
  private readonly measured = new Map<string, Result>();
  /** How many mutants of a source file each spec file has killed in this run. */
  private readonly kills = new Map<string, Map<string, number>>();

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
    const { root, folder, jobs } = this.options;
    const left = tasks.filter((task) => this.resultOf(task) === undefined);
    const sandboxes: Sandbox[] = [];
    const most = Math.max(0, ...left.map(({ suite }) => suite.stages.length));
    try {
      while (sandboxes.length < Math.min(jobs, left.length)) {
        sandboxes.push(await Sandbox.create(root, join(folder, `sandbox-${sandboxes.length}`)));
      }
      for (let number = 0; number < most; number++) {
        const due = left.filter((task) => this.isDue(task, number));
        const stageOf = ({ suite }: Task): Stage => suite.stages[number] as Stage;
        const specs = new Set(due.flatMap((task) => this.specsOf(stageOf(task))));
        await this.share(sandboxes, [...specs], (sandbox, spec) => this.measure(sandbox, spec));
        await this.share(sandboxes, due, (sandbox, task) => this.judge(sandbox, task, stageOf(task)));
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

  /** Works on one item in each sandbox at a time, until all are done or the run is stopped. */
  private async share<T>(
    sandboxes: readonly Sandbox[],
    items: readonly T[],
    work: (sandbox: Sandbox, item: T) => Promise<void>,
  ): Promise<void> {
    const queue = [...items];
    const workIn = async (sandbox: Sandbox): Promise<void> => {
      while (queue.length > 0 && !this.options.stop.aborted) await work(sandbox, queue.shift() as T);
    };
    const ends = await Promise.allSettled(sandboxes.map(workIn));
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  }

  private async judge(sandbox: Sandbox, { mutant, suite }: Task, stage: Stage): Promise<void> {
    const { results, limitSeconds, stop, onResult } = this.options;
    const specs = this.specsOf(stage);
    const measured = specs.flatMap((spec) => this.measured.get(spec) ?? []);
    if (measured.length < specs.length) return; // what fails without a mutant cannot judge one
    const reaching = measured.filter(({ reach }) => reaches(reach, mutant)).sort(this.byPromise(mutant.file));
    const began = performance.now();
    const restore = sandbox.mutate(mutant.file, mutant.text);
    let outcome: SpecsOutcome | undefined = { verdict: 'survived' };
    for (const some of [reaching.slice(0, FIRST_SPECS), reaching.slice(FIRST_SPECS)]) {
      if (outcome?.verdict !== 'survived' || some.length === 0) continue;
      const seconds = some.reduce((sum, spec) => sum + spec.seconds, 0);
      const limit = limitSeconds ?? Math.max(LEAST_LIMIT_SECONDS, PATIENCE * seconds);
      const files = some.map((spec) => spec.stage);
      outcome = await runSpecs(sandbox.folder, files, limit * 1000, stop);
    }
    restore();
    if (outcome === undefined) return;
    if (outcome.verdict === 'killed') this.countKill(mutant.file, outcome.file);
    results.add(mutant.id, stage.name, secondsSince(began), outcome, specs);
    const result = this.resultOf({ mutant, suite });
    if (result !== undefined) onResult({ mutant, suite }, result);
  }

  private countKill(file: string, spec: string): void {
    const kills = this.kills.get(file) ?? new Map<string, number>();
    this.kills.set(file, kills.set(spec, (kills.get(spec) ?? 0) + 1));
  }

  /** Orders spec files: first those that killed most mutants of the file; at first its namesake; then the quickest. */
  private byPromise(file: string): (a: Result, b: Result) => number {
    const name = basename(file).replace(/ts$/, 'spec.ts');
    const promise = ({ stage }: Result): number =>
      this.kills.get(file)?.get(stage) ?? (basename(stage) === name ? 0.5 : 0);
    return (a, b) => promise(b) - promise(a) || a.seconds - b.seconds;
  }

  /** Runs a spec file without a mutant, for how long it takes and which functions it calls. */
  private async measure(sandbox: Sandbox, spec: string): Promise<void> {
    const { results, stop } = this.options;
    let measured = results.of(UNMUTATED, spec, [spec]);
    if (measured === undefined) {
      const coverage = join(sandbox.folder, 'coverage');
      rmSync(coverage, { recursive: true, force: true });
      const began = performance.now();
      const outcome = await runSpecs(sandbox.folder, [spec], 2 ** 31 - 1, stop, coverage);
      if (outcome === undefined) return;
      if (outcome.verdict !== 'survived') {
        const what = outcome.verdict === 'killed' ? outcome.title : outcome.verdict === 'crashed' ? outcome.said : '';
        this.failures.push(`without a mutant ${spec} fails: ${what}`);
        return;
      }
      const reach = readReach(sandbox.folder, coverage);
      measured = results.add(UNMUTATED, spec, secondsSince(began), { ...outcome, reach }, [spec]);
    }
    this.measured.set(spec, measured);
  }
}

function secondsSince(began: number): number {
  return Math.round(performance.now() - began) / 1000;
}

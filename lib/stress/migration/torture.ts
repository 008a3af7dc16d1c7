/** Many migrations of a machine to and fro, each with faults that its seed chooses. */
import type { MigrationFailure } from '../../migration/index.js';
import { Choices } from '../plan.js';
import type { AttemptOutcome } from './attempt.js';
import { chooseFaults, FAULT_KINDS, type Fault } from './faults.js';
import { type Fate, Judge } from './judge.js';
import type { GuestPlan, TransferPlan } from './plan.js';
import { within } from './within.js';

export interface TorturePlan {
  readonly guest: GuestPlan;
  /** Seed of the first migration; each further migration adds 1. */
  readonly seed: number;
  /** How many migrations to run; undefined when `seconds` says how long to run migrations. */
  readonly runs: number | undefined;
  readonly seconds: number | undefined;
  readonly sabotage: string | undefined;
}

export interface TortureViolation {
  readonly oracle: string;
  readonly detail: string;
  /** Seed of the migration. */
  readonly seed: number;
  /** The faults that had struck before. */
  readonly faults: readonly string[];
}

/** Counts of the migrations in which a kind of fault struck. */
export interface Tally {
  struck: number;
  inSwitchOver: number;
  /**
   * How many faults of those in the switch-over struck between the source's last message and the arbiter's answer to
   * the source.
   */
  inDoubt: number;
  arrived: number;
  stayed: number;
  gone: number;
}

export interface TortureReport {
  readonly verdict: 'pass' | 'fail';
  readonly interrupted: boolean;
  readonly seed: number;
  readonly sabotage: string | null;
  readonly runs: number;
  readonly seconds: number;
  readonly fates: Readonly<Record<Fate, number>>;
  /** How often each reason was given by a source whose machine stayed. */
  readonly stayedBecause: Readonly<Partial<Record<MigrationFailure, number>>>;
  /** Counts for each kind of fault, and for migrations without a fault. */
  readonly tally: Readonly<Record<string, Tally>>;
  readonly violations: readonly TortureViolation[];
}

export interface TortureProgress {
  readonly run: number;
  readonly fates: Readonly<Record<Fate, number>>;
  readonly struck: number;
  readonly inSwitchOver: number;
  readonly inDoubt: number;
}

export const UNDISTURBED = 'none';
/** A torture in which less than this happened has tested nothing. */
const LEAST_ARRIVED = 1;
const LEAST_IN_SWITCH_OVER = 2;
const LEAST_IN_DOUBT = 1;
/** Bandwidth of the link in bytes per second: such that a migration needs a few rounds, but more than two. */
const MANY_ROUNDS_BYTES = 2 ** 23;
/** A migration that takes longer is taken to hang. */
const MOST_MS = 90_000;
/** Within this many migrations, every kind of fault must strike. */
const ALL_KINDS_WITHIN = 100;

export class Torture {
  private readonly plan: TorturePlan;
  private readonly onProgress: (now: TortureProgress) => void;
  private readonly fates: Record<Fate, number> = { arrived: 0, stayed: 0, gone: 0 };
  private readonly tally: Record<string, Tally> = Object.fromEntries(
    [UNDISTURBED, ...FAULT_KINDS].map((kind) => [
      kind,
      { struck: 0, inSwitchOver: 0, inDoubt: 0, arrived: 0, stayed: 0, gone: 0 },
    ]),
  );
  private readonly stayedBecause: Partial<Record<MigrationFailure, number>> = {};
  private readonly violations: TortureViolation[] = [];
  private runs = 0;

  constructor(plan: TorturePlan, onProgress: (now: TortureProgress) => void) {
    this.plan = plan;
    this.onProgress = onProgress;
  }

  /** Runs migrations until the plan is done, or until the first violation. */
  async run(interruption: AbortSignal): Promise<TortureReport> {
    const began = performance.now();
    const elapsed = (): number => (performance.now() - began) / 1000;
    const { guest, sabotage, runs = Number.POSITIVE_INFINITY, seconds = Number.POSITIVE_INFINITY } = this.plan;
    let seed = this.plan.seed;
    /** Faults of the current migration: the chosen ones, and after its end those that have struck. */
    let faults: readonly Fault[] = [];
    const judge = new Judge(guest, sabotage, ({ oracle, detail }) => {
      this.violations.push({ oracle, detail, seed, faults: [] });
    });
    const interrupted = new Promise<void>((resolve) => {
      interruption.addEventListener('abort', () => resolve());
      if (interruption.aborted) resolve();
    });
    try {
      while (this.runs < runs && elapsed() < seconds && this.violations.length === 0 && !interruption.aborted) {
        seed = (this.plan.seed + this.runs) % 2 ** 32;
        const choices = new Choices(seed);
        const transfer = chooseTransfer(choices, sabotage !== undefined);
        faults = chooseFaults(choices);
        const plan = { guest, transfer, hotplug: choices.oneIn(8), sabotage };
        const judged = await within(MOST_MS, Promise.race([judge.migrate(plan, faults), interrupted]));
        if (judged === 'late') {
          this.violations.push({
            oracle: 'hang',
            detail: `the migration has not ended after ${MOST_MS} ms`,
            seed,
            faults: [],
          });
          break;
        }
        if (judged === undefined) break;
        faults = judged.outcome.struck;
        this.runs++;
        if (judged.fate !== undefined) this.count(judged.outcome, judged.fate);
        this.onProgress(this.progress);
      }
    } finally {
      await judge.close();
    }
    const said = faults.map(({ kind, point, nth, part }) => `${kind} at '${point}' ${nth}, ${part}`);
    const violations = this.violations.map((violation) => ({ ...violation, faults: said }));
    if (violations.length === 0 && !interruption.aborted) {
      for (const detail of this.vacuities()) {
        violations.push({ oracle: 'vacuous', detail, seed: this.plan.seed, faults: [] });
      }
    }
    return {
      verdict: violations.length > 0 ? 'fail' : 'pass',
      interrupted: interruption.aborted,
      seed: this.plan.seed,
      sabotage: sabotage ?? null,
      runs: this.runs,
      seconds: elapsed(),
      fates: this.fates,
      stayedBecause: this.stayedBecause,
      tally: this.tally,
      violations,
    };
  }

  private count({ struck, source }: AttemptOutcome, fate: Fate): void {
    this.fates[fate]++;
    if (source?.ok === false) this.stayedBecause[source.reason] = (this.stayedBecause[source.reason] ?? 0) + 1;
    const kinds = new Set<string>(struck.map(({ kind }) => kind));
    for (const kind of kinds.size === 0 ? [UNDISTURBED] : kinds) {
      const tally = this.tally[kind] as Tally;
      tally[fate]++;
      tally.struck++;
      const ofKind = struck.filter((fault) => fault.kind === kind);
      if (ofKind.some(({ inSwitchOver }) => inSwitchOver)) tally.inSwitchOver++;
      if (ofKind.some(({ inDoubt }) => inDoubt)) tally.inDoubt++;
    }
  }

  private get progress(): TortureProgress {
    const sum = (of: 'struck' | 'inSwitchOver' | 'inDoubt'): number =>
      FAULT_KINDS.reduce((total, kind) => total + (this.tally[kind] as Tally)[of], 0);
    return {
      run: this.runs,
      fates: this.fates,
      struck: sum('struck'),
      inSwitchOver: sum('inSwitchOver'),
      inDoubt: sum('inDoubt'),
    };
  }

  private vacuities(): string[] {
    const few: string[] = [];
    const { inSwitchOver, inDoubt } = this.progress;
    if (this.fates.arrived < LEAST_ARRIVED) few.push('no machine arrived');
    if (inSwitchOver < LEAST_IN_SWITCH_OVER) few.push(`only ${inSwitchOver} faults struck in a switch-over`);
    if (inDoubt < LEAST_IN_DOUBT) few.push('no fault struck between the last message and the decision');
    if (this.runs < ALL_KINDS_WITHIN) return few;
    return [...few, ...FAULT_KINDS.filter((kind) => this.tally[kind]?.struck === 0).map((kind) => `no ${kind}`)];
  }
}

function chooseTransfer(choices: Choices, sabotaged: boolean): TransferPlan {
  const manyRounds = choices.oneIn(4);
  return {
    downtimeMs: manyRounds ? 50 : choices.pick([50, 300, 1000]),
    bandwidth: manyRounds ? MANY_ROUNDS_BYTES : undefined,
    autoConverge: true, // otherwise the migration of a fast guest would never converge
    verify: choices.oneIn(2) && !sabotaged, // otherwise the migration itself would find a planted bug, not the judge
    stallMs: choices.pick([400, 800, 1500]),
  };
}

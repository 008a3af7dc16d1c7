/** The report of a mutation run: counts, and each survivor with its lines before and after the change. */
import type { Explanation } from './explained.js';
import type { Mutant } from './mutants.js';
import type { Result } from './results.js';

export interface Judged {
  readonly mutant: Mutant;
  /** Undefined while the mutant has not been run. */
  readonly result: Result | undefined;
  /** Why the mutant is no fault; undefined when nobody has explained it. */
  readonly explanation: Explanation | undefined;
}

export interface MutationReport {
  readonly mutants: number;
  readonly killed: number;
  readonly hung: number;
  readonly crashed: number;
  readonly explained: number;
  /** Mutants without a result, because the run was interrupted. */
  readonly left: number;
  readonly survivors: readonly Omit<Mutant, 'text'>[];
  readonly results: readonly Result[];
}

export function reportOf(judged: readonly Judged[]): MutationReport {
  const unexplained = judged.filter(({ explanation }) => explanation === undefined);
  const count = (verdict: Result['verdict']): number =>
    unexplained.filter(({ result }) => result?.verdict === verdict).length;
  return {
    mutants: judged.length,
    killed: count('killed'),
    hung: count('hung'),
    crashed: count('crashed'),
    explained: judged.length - unexplained.length,
    left: unexplained.filter(({ result }) => result === undefined).length,
    survivors: unexplained
      .filter(({ result }) => result?.verdict === 'survived')
      .map(({ mutant: { text: _, ...described } }) => described),
    results: unexplained.flatMap(({ result }) => result ?? []),
  };
}

export function textOf(report: MutationReport): string {
  const { mutants, killed, hung, crashed, explained, left, survivors } = report;
  const lines = survivors.flatMap((survivor) => [...describe(survivor), '']);
  lines.push(
    `${mutants} mutants: ${killed} killed by a spec, ${hung} by the time limit, ${crashed} by a crash; ` +
      `${explained} explained; ${survivors.length} survived${left === 0 ? '' : `; ${left} left to run`}`,
  );
  return lines.join('\n');
}

export function describe(survivor: Omit<Mutant, 'text'>): string[] {
  const { id, file, line, scope, operator, before, after } = survivor;
  return [`${id} ${file}:${line} ${scope} (${operator})`, `  - ${before}`, `  + ${after}`];
}

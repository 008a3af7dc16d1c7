/** Explained mutants: those that are no fault because they behave like the unmutated code, each with the reason. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Mutant } from './mutants.js';

export interface Explanation extends Pick<Mutant, 'file' | 'scope' | 'before' | 'after'> {
  /** Left out, the explanation covers all mutants with this file, scope and lines. */
  readonly nth?: number;
  readonly reason: string;
}

/** What a file of explanations is a list of: mutants of one scope that have one reason. */
interface Explained extends Pick<Explanation, 'file' | 'scope' | 'reason'> {
  readonly changes: readonly Pick<Explanation, 'before' | 'after' | 'nth'>[];
}

/**
 * @param folder has a file of explanations for each folder of the sources
 * @throws Error when one is not a list of explanations
 */
export function readExplanations(folder: string): Explanation[] {
  return readdirSync(folder).flatMap((name) => readFile(join(folder, name)));
}

function readFile(path: string): Explanation[] {
  const list: unknown = JSON.parse(readFileSync(path, 'utf8'));
  if (!Array.isArray(list)) throw new Error(`${path}: expected an array of explanations`);
  return list.flatMap((entry: Partial<Explained> | null, i) => {
    const { file, scope, reason, changes } = entry ?? {};
    demandStrings({ file, scope, reason }, `entry ${i} of ${path}`);
    if (!Array.isArray(changes)) throw new Error(`${path}: 'changes' of entry ${i} must be an array`);
    return changes.map((change: Partial<Explanation> | null, j) => {
      const { before, after } = change ?? {};
      demandStrings({ before, after }, `change ${j} of entry ${i} of ${path}`);
      return { file, scope, reason, ...change } as Explanation;
    });
  });
}

function demandStrings(fields: Readonly<Record<string, unknown>>, where: string): void {
  for (const [field, value] of Object.entries(fields)) {
    if (typeof value !== 'string') throw new Error(`${where}: '${field}' must be a string`);
  }
}

export function explains(explanation: Explanation, mutant: Mutant): boolean {
  const { file, scope, before, after, nth = mutant.nth } = explanation;
  return (
    file === mutant.file &&
    scope === mutant.scope &&
    before === mutant.before &&
    after === mutant.after &&
    nth === mutant.nth
  );
}

/** Explained mutants: those that are no fault because they behave like the unmutated code, each with the reason. */
import { readFileSync } from 'node:fs';
import type { Mutant } from './mutants.js';

export interface Explanation extends Pick<Mutant, 'file' | 'scope' | 'before' | 'after'> {
  /** Left out, the explanation covers all mutants with this file, scope and lines. */
  readonly nth?: number;
  readonly reason: string;
}

/** @throws Error when the file is not a list of explanations */
export function readExplanations(path: string): Explanation[] {
  const list: unknown = JSON.parse(readFileSync(path, 'utf8'));
  if (!Array.isArray(list)) throw new Error(`${path}: expected an array of explanations`);
  list.forEach((entry, i) => {
    for (const field of ['file', 'scope', 'before', 'after', 'reason']) {
      if (typeof entry?.[field] !== 'string') throw new Error(`${path}: '${field}' of entry ${i} must be a string`);
    }
  });
  return list;
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

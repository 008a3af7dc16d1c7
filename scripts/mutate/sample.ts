/** A seeded random sample that stays nearly the same when mutants come and go: each mutant's chance is drawn by its id. */
import { createHash } from 'node:crypto';
import type { Mutant } from './mutants.js';

export function sampleOf<T extends { readonly mutant: Pick<Mutant, 'id'> }>(
  tasks: readonly T[],
  size: number,
  seed: number,
): T[] {
  const drawn = tasks.map((task) => ({
    task,
    lot: createHash('sha256').update(`${seed} ${task.mutant.id}`).digest('hex'),
  }));
  drawn.sort((a, b) => (a.lot < b.lot ? -1 : 1));
  return drawn.slice(0, size).map(({ task }) => task);
}

/**
 * A seeded random sample. Each mutant's chance depends only on its id and the seed, so the sample stays nearly the same
 * when other mutants come and go.
 */
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

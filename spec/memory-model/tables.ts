/** A table that is replaced under readers: one word, poisoned when it is freed. */
import type { Litmus } from './checker/litmus.js';
import type { TracedWords } from './checker/traced-words.js';
import { FIRST, gracePeriod, LOCATIONS, NUMBER, ROOT, SLOT, TABLE } from './protocols.js';

export const POISON = -1;
export const CONTENT = 7;

/** Builds table 1, publishes it, and frees table 0 after a grace period. */
export function replaceTable(m: TracedWords): void {
  m.set(TABLE + 1, CONTENT);
  m.store(ROOT, 1);
  gracePeriod(m, FIRST);
  m.set(TABLE, POISON);
}

/** @returns what the table that the root names holds */
export function useTable(m: TracedWords, root: number): number {
  return m.get(TABLE + root);
}

export function litmus(threads: Litmus['threads'], initialSlot: number, more: Partial<Litmus> = {}): Litmus {
  const initial = new Map([
    [NUMBER, FIRST],
    [SLOT, initialSlot],
    [TABLE, CONTENT],
  ]);
  return { locations: LOCATIONS, initial, threads, ...more };
}

export function online(reader: (m: TracedWords) => Record<string, number>, owner = replaceTable): Litmus {
  return litmus({ reader, owner }, FIRST);
}

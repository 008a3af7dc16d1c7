/**
 * The ways in which one word can go: an order of its writes (coherence), and for each read the write that it reads
 * from, such that
 *
 * - a thread sees no write to the word go backwards: program order, reads-from, coherence and from-reads agree;
 * - an instruction that reads and writes, or a pair that has succeeded, reads the write directly before its own.
 *
 * Each way orders instructions of different threads in memory. As many of these as suffice are its edges.
 */
import { INITIAL } from '../model.js';
import type { Architecture } from './architectures.js';
import type { Program } from './program.js';

export interface Way {
  /** By numbers of instructions: the one is before the other in memory. */
  readonly edges: readonly (readonly [before: number, after: number])[];
  /** Numbers of instructions: each read, and the write that it reads from or INITIAL. */
  readonly from: readonly (readonly [read: number, write: number])[];
}

/** @param joined number of the thread that runs when all others have ended; -1 if there is none */
export function waysOf(
  program: Program,
  accesses: readonly number[],
  initial: number,
  joined: number,
  architecture: Architecture,
): Way[] {
  const valueAt = (i: number): number | undefined => program.at(i).value;
  const halfAt = (i: number): number => program.at(i).half;
  const isWrite = (i: number): boolean => program.at(i).kind === 'write';
  const writes = accesses.filter(isWrite);
  const reads = accesses.filter((i) => !isWrite(i));
  const sameThread = (a: number, b: number): boolean => program.at(a).thread === program.at(b).thread;
  /** Program order, and everything before what runs afterwards. */
  const precedes = (a: number, b: number): boolean => a < b && (sameThread(a, b) || program.at(b).thread === joined);
  const coherence: number[] = [];
  /** Place of each write in `coherence`. */
  const place = new Map<number, number>([[INITIAL, -1]]);
  const from = new Map<number, number>();
  const ways = new Map<string, Way>();

  const orderWrites = (): void => {
    if (coherence.length === writes.length) {
      chooseReads(0);
      return;
    }
    const last = coherence.at(-1) ?? INITIAL;
    const value = last === INITIAL ? initial : valueAt(last);
    for (const write of writes) {
      if (place.has(write) || writes.some((other) => precedes(other, write) && !place.has(other))) continue;
      const read = halfAt(write) === 0 ? undefined : write - 1;
      if (read !== undefined && valueAt(read) !== undefined && valueAt(read) !== value) continue;
      place.set(write, coherence.length);
      coherence.push(write);
      if (read !== undefined) from.set(read, last);
      orderWrites();
      coherence.pop();
      place.delete(write);
      if (read !== undefined) from.delete(read);
    }
  };

  const placeOf = (i: number): number => place.get(isWrite(i) ? i : (from.get(i) as number)) as number;

  const chooseReads = (next: number): void => {
    const read = reads[next];
    if (read === undefined) {
      if (isCoherent()) keep();
      return;
    }
    if (halfAt(read) !== 0) {
      chooseReads(next + 1);
      return;
    }
    for (const write of [INITIAL, ...coherence]) {
      if ((write === INITIAL ? initial : valueAt(write)) !== valueAt(read)) continue;
      from.set(read, write);
      chooseReads(next + 1);
    }
    from.delete(read);
  };

  /** Along program order, places do not go back; a write's is after those of all that precedes it. */
  const isCoherent = (): boolean => {
    for (const a of accesses) {
      for (const b of accesses) {
        if (!precedes(a, b)) continue;
        if (isWrite(b) ? placeOf(a) >= placeOf(b) : placeOf(a) > placeOf(b)) return false;
      }
    }
    return true;
  };

  const keep = (): void => {
    const edges: [number, number][] = [];
    for (const [i, write] of coherence.entries()) {
      for (const later of coherence.slice(i + 1)) if (!sameThread(write, later)) edges.push([write, later]);
    }
    for (const read of reads) {
      const write = from.get(read) as number;
      for (const later of coherence.slice(placeOf(read) + 1)) if (!sameThread(read, later)) edges.push([read, later]);
      if (write === INITIAL) continue;
      if (!sameThread(write, read)) edges.push([write, read]);
      else {
        if (halfAt(write) !== 0 && architecture.readsBackInOrder(program.at(read))) edges.push([write, read]);
        // What a read reads back from a store depends on what the store depended on.
        for (const [source, target] of [...program.dependent.address, ...program.dependent.data]) {
          if (target === write) edges.push([source, read]);
        }
      }
    }
    const key = edges.join(' ');
    if (!ways.has(key)) ways.set(key, { edges, from: [...from] });
  };

  orderWrites();
  return [...ways.values()];
}

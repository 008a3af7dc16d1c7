/**
 * Whether an execution has sequentially consistent atomics (ECMA-262, section of that name): a strict total order of all
 * events that contains happens-before, and in which no seq-cst write V to the location stands between a write W and a
 * read R that reads from it, when
 *
 * (a) W synchronizes-with R; or
 * (b) W is seq-cst, and both W and V happen-before R; or
 * (c) R is seq-cst, and W happens-before both V and R.
 *
 * In (b) V stands before R in any case, so it must stand before W; in (c) it stands after W, so it must stand after R.
 * Only (a) leaves a choice. The initial value happens-before every access of its location, and stands before all.
 */
import type { Access } from './event.js';
import { INITIAL } from './model.js';
import type { Relation } from './relation.js';

/** @param from the write that each read reads from, by event; undefined for what does not read */
export function memoryOrder(
  accesses: readonly (Access | undefined)[],
  from: readonly (number | undefined)[],
  happensBefore: Relation,
): Relation | undefined {
  const order = happensBefore.clone();
  const choices: Choice[] = [];
  for (const [read, write] of from.entries()) {
    if (write === undefined) continue;
    const R = accesses[read] as Access;
    for (const [other, V] of accesses.entries()) {
      if (other === read || other === write || V?.order !== 'seq-cst' || V.written === undefined) continue;
      if (V.location !== R.location) continue;
      const initial = write === INITIAL;
      const W = initial ? undefined : (accesses[write] as Access);
      const c =
        R.order === 'seq-cst' && (initial || (happensBefore.has(write, read) && happensBefore.has(write, other)));
      if (c && !order.add(read, other)) return undefined;
      if (W?.order !== 'seq-cst') continue;
      if (happensBefore.has(write, read) && happensBefore.has(other, read) && !order.add(other, write))
        return undefined;
      if (R.order === 'seq-cst') choices.push({ write, read, other });
    }
  }
  return settle(order, choices);
}

/** Of (a): `other` before `write`, or after `read`. */
interface Choice {
  readonly write: number;
  readonly read: number;
  readonly other: number;
}

function settle(order: Relation, choices: readonly Choice[]): Relation | undefined {
  const open: Choice[] = [];
  for (const choice of choices) {
    const { write, read, other } = choice;
    if (order.has(other, write) || order.has(read, other)) continue;
    if (order.has(write, other)) {
      if (!order.add(read, other)) return undefined;
    } else if (order.has(other, read)) {
      if (!order.add(other, write)) return undefined;
    } else open.push(choice);
  }
  const [first, ...rest] = open;
  if (first === undefined) return order;
  if (open.length < choices.length) return settle(order, open);
  const before = order.clone();
  if (before.add(first.other, first.write)) {
    const found = settle(before, rest);
    if (found !== undefined) return found;
  }
  return order.add(first.read, first.other) ? settle(order, rest) : undefined;
}

/** Which words a call accesses, by the methods of `Words`. */
import { Words } from '../../lib/arena/words.js';

export interface Accesses {
  /** The index of each plain read. */
  readonly get: readonly number[];
  readonly load: readonly number[];
  readonly or: readonly number[];
}

/** @returns the accesses of all engines of this thread while the call ran */
export function accessesOf(call: () => unknown): Accesses {
  const made = { get: [] as number[], load: [] as number[], or: [] as number[] };
  const { get, load, or } = Words.prototype;
  Words.prototype.get = function (index) {
    made.get.push(index);
    return get.call(this, index);
  };
  Words.prototype.load = function (index) {
    made.load.push(index);
    return load.call(this, index);
  };
  Words.prototype.or = function (index, value) {
    made.or.push(index);
    return or.call(this, index, value);
  };
  try {
    call();
  } finally {
    Object.assign(Words.prototype, { get, load, or });
  }
  return made;
}

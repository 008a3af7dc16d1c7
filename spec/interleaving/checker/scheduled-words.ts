/** Puts the scheduler behind the seam: from then on each access of `Words` in a race is one of the schedule's. */
import { Words } from '../../../lib/arena/words.js';
import type { Scheduler } from './scheduler.js';

type Method = 'get' | 'set' | 'fill' | 'load' | 'store' | 'or' | 'and' | 'add' | 'exchange' | 'compareExchange';

/** @param current the scheduler of the exploration that is under way */
export function scheduleWords(current: () => Scheduler): void {
  const shipped = Words.prototype;
  const { get, set, fill, load, store, or, and, add, exchange, compareExchange, notify, wait, waitAsync } = shipped;

  /** The word's position in the explored memory, or -1 for what is none of the schedule's. */
  const place = (words: Words, index: number): number => {
    if (!current().inRace || !(index >= 0 && index < words.length)) return -1;
    return (words.byteOffset >>> 2) + index;
  };
  const update = (words: Words, index: number, change: (old: number) => number, plain: () => number): number => {
    const at = place(words, index);
    return at < 0 ? plain() : current().update(at, change);
  };

  const scheduled: Pick<Words, Method | 'notify' | 'wait' | 'waitAsync'> & ThisType<Words> = {
    get(index) {
      const at = place(this, index);
      return at < 0 ? get.call(this, index) : current().read(at);
    },
    set(index, value) {
      const at = place(this, index);
      if (at < 0) set.call(this, index, value);
      else current().write(at, value);
    },
    fill(first, end, value) {
      if (!current().inRace) fill.call(this, first, end, value);
      else for (let i = first; i < end; i++) this.set(i, value);
    },
    load(index) {
      const at = place(this, index);
      return at < 0 ? load.call(this, index) : current().read(at);
    },
    store(index, value) {
      update(
        this,
        index,
        () => value,
        () => {
          store.call(this, index, value);
          return 0;
        },
      );
    },
    or(index, bits) {
      return update(
        this,
        index,
        (old) => old | bits,
        () => or.call(this, index, bits),
      );
    },
    and(index, bits) {
      return update(
        this,
        index,
        (old) => old & bits,
        () => and.call(this, index, bits),
      );
    },
    add(index, value) {
      return update(
        this,
        index,
        (old) => old + value,
        () => add.call(this, index, value),
      );
    },
    exchange(index, value) {
      return update(
        this,
        index,
        () => value,
        () => exchange.call(this, index, value),
      );
    },
    compareExchange(index, expected, replacement) {
      return update(
        this,
        index,
        (old) => (old === expected ? replacement : old),
        () => compareExchange.call(this, index, expected, replacement),
      );
    },
    /** What brings the owner's next turn besides is a timer: it is looked at whatever the turn finds. */
    waitAsync(index, expected, timeoutMs) {
      const at = place(this, index);
      if (at < 0) return waitAsync.call(this, index, expected, timeoutMs);
      return current().read(at) === expected ? new Promise(() => {}) : undefined;
    },
    notify(index) {
      const at = place(this, index);
      if (at < 0) notify.call(this, index);
      else current().notify(at);
    },
    wait(index, expected, timeoutMs) {
      const at = place(this, index);
      if (at < 0) wait.call(this, index, expected, timeoutMs);
      else current().wait(at, expected);
    },
  };
  Object.assign(shipped, scheduled);
}

/**
 * The pages that other users of a client have collected and this user has not collected yet. They are kept as a set of
 * pages, or as all RAM except a set of pages. Until the user has collected everything once, all RAM is pending: this
 * costs no memory, and what others collect adds nothing.
 *
 * The methods that throw ArenaFullError make all room beforehand, so that the methods called after them cannot fail.
 */
import { ArenaFullError } from '../base/errors.js';
import { EVERYTHING, type PageRange } from './page-range.js';
import type { PageRanges } from './page-ranges.js';
import { PageSet } from './page-set.js';
import type { PageSetStore } from './page-set-store.js';

export class PendingPages {
  private readonly store: PageSetStore;
  /** The RAM that is plugged now. Pending pages always lie in it: unplugging forgets its pages in the same step. */
  private readonly ram: PageRanges;
  private readonly user: string;
  /** The pending pages; while `inverted`, the pages of RAM that are not pending. */
  private set: PageSet;
  private inverted = true;

  /** @param user for messages */
  constructor(store: PageSetStore, ram: PageRanges, user: string) {
    this.store = store;
    this.ram = ram;
    this.user = user;
    this.set = this.emptySet();
  }

  get pages(): number {
    return this.inverted ? this.ram.pages - this.set.pages : this.set.pages;
  }

  /** Does what is pending, or what is not, take memory of the arena? */
  get takesRoom(): boolean {
    return !this.set.untouched;
  }

  /** Does the set of pending pages have a block with this number? */
  hasBlock(number: number): boolean {
    return !this.inverted && this.set.hasBlock(number);
  }

  /** Can `adopt` take over a block with this number, because the set has no such block yet? */
  lacks(number: number): boolean {
    return !this.inverted && !this.set.hasBlock(number);
  }

  /** Takes over a block that another user has collected. */
  adopt(number: number, block: number): void {
    this.set.adopt(number, block);
  }

  /**
   * Makes room for what another user has collected, in the blocks that are wanted.
   * @returns a function that gives the room back
   * @throws ArenaFullError
   */
  reserveFor(taken: PageSet, operation: string, wanted: (number: number) => boolean): () => void {
    if (this.inverted) return () => {};
    try {
      return this.set.reserve([...taken.numbers].filter(wanted));
    } catch (error) {
      if (!(error instanceof ArenaFullError)) throw error;
      throw new ArenaFullError(
        `${operation}: no room for the pages that '${this.user}', another user, has yet to collect ` +
          `(${this.set.pages} so far): have it collect, stop it, or give DirtyMemory.create more arenaBytes`,
        { cause: error },
      );
    }
  }

  /** Makes the wanted blocks' pages, which another user has collected, pending. */
  add(taken: PageSet, wanted: (number: number) => boolean): void {
    if (this.inverted) this.set.removeAll(taken);
    else this.set.addAll(taken, wanted);
  }

  /** Takes all pending pages away, so that no page stays pending. @returns the pages that were pending */
  takeAll(): PageSet {
    const { set } = this;
    this.set = this.emptySet();
    return set;
  }

  /** Forgets the pages of RAM that was unplugged. */
  forget(range: PageRange): void {
    this.set.remove(range);
    if (this.set.pages > 0) return;
    this.set.dispose();
    this.set = this.emptySet();
  }

  /** @param range contains RAM only. @returns its first page that is pending, or its end */
  findPending(range: PageRange): number {
    return this.inverted ? this.set.findMissing(range) : this.set.findPresent(range);
  }

  /** @param range contains RAM only. @returns its first page that is not pending, or its end */
  findOther(range: PageRange): number {
    return this.inverted ? this.set.findPresent(range) : this.set.findMissing(range);
  }

  /** Yields the pending pages of the range as ranges, in ascending order. */
  *within(range: PageRange): Generator<PageRange> {
    const clipped = { first: range.first, end: Math.min(range.end, this.ram.end) };
    for (const part of this.inverted ? this.ram.within(clipped) : [clipped]) {
      for (let page = part.first; page < part.end; ) {
        const first = this.findPending({ first: page, end: part.end });
        page = this.findOther({ first, end: part.end });
        if (first < page) yield { first, end: page };
      }
    }
  }

  /**
   * @param from the page to begin with; the search goes once around all RAM
   * @returns at most `most` of the pending pages, which stay pending, and the page behind the last of them
   * @throws ArenaFullError
   */
  choose(most: number, from: number, operation: string): { readonly chosen: PageSet; readonly reached: number } {
    const chosen = new PageSet(this.store, operation);
    let left = most;
    let reached = from;
    try {
      for (const half of [
        { first: from, end: EVERYTHING.end },
        { first: 0, end: from },
      ]) {
        for (const { first, end } of this.within(half)) {
          if (left === 0) return { chosen, reached };
          reached = Math.min(end, first + left);
          chosen.addRange({ first, end: reached });
          left -= reached - first;
        }
      }
    } catch (error) {
      chosen.dispose();
      throw error;
    }
    return { chosen, reached };
  }

  /** Makes room for `moveTo` with the same arguments. @throws ArenaFullError */
  reserveMove(range: PageRange | PageSet, into: PageSet): void {
    if (range === EVERYTHING && !this.inverted) return;
    const numbers =
      range instanceof PageSet
        ? range.numbers
        : new Set([...this.within(range)].flatMap((part) => this.set.numbersIn(part)));
    into.reserve(numbers);
    if (this.inverted && range !== EVERYTHING) this.set.reserve(numbers);
  }

  /** Moves pending pages to `into`: those of the range, or those that `choose` returned. */
  moveTo(range: PageRange | PageSet, into: PageSet): void {
    if (range instanceof PageSet) {
      into.addAll(range);
      if (this.inverted) this.set.addAll(range);
      else this.set.removeAll(range);
    } else if (range === EVERYTHING && !this.inverted) {
      if (!this.set.untouched) into.absorb(this.takeAll());
    } else {
      const parts = [...this.within(range)];
      for (const part of parts) into.addRange(part);
      if (range === EVERYTHING) {
        this.set.dispose();
        this.set = this.emptySet();
        this.inverted = false;
      } else if (this.inverted) for (const part of parts) this.set.addRange(part);
      else this.set.remove(range);
    }
  }

  dispose(): void {
    this.set.dispose();
  }

  /** Has the user stopped? */
  get disposed(): boolean {
    return this.set.disposed;
  }

  private emptySet(): PageSet {
    return new PageSet(this.store, `pages pending for '${this.user}'`);
  }
}

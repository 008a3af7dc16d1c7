/**
 * The windows of a `GuestRam`, and which of their pages this thread has marked in its interval.
 *
 * A mark holds for its interval (DM-7: dirty/vcpu.ts): once the reader has marked a page for all clients, no store to the
 * page in the same interval needs a mark. Which pages these are, a byte for each unit says: it has the *generation* of
 * the interval in which the unit was marked. There are 255 generations, and an interval takes the next one, so dropping
 * all marks costs an addition; before a generation comes again, every byte is set to 0. While the reader is offline
 * there is no generation, every access goes through `Vcpu.mark`, and that refuses it.
 *
 * A mark comes before its store: a thread that is killed in between leaves a page dirty that is as it was, which is
 * harmless. All pages of an access are marked before any of it is stored, so an access is stored whole or not at all.
 */
import { checkAddress, notRam, showAddress, UsageError } from '../base/errors.js';
import { CODE } from '../dirty/client.js';
import type { Vcpu } from '../dirty/vcpu.js';
import { MOST_BYTES, NO_WINDOW, Window } from './window.js';

/** Told of the pages that turned dirty for CODE, in bytes of ram_addr space. */
export type CodeTurned = (start: number, length: number) => void;

/** Pages of at least this size have units of this size, which lets the fast paths shift by a constant. */
export const UNIT = 4096;

export class MarkedWindows {
  /** Two to the power of this are the bytes of a unit, the smaller of a page and `UNIT`. */
  readonly unitShift: number;
  readonly pageSize: number;
  private readonly vcpu: Vcpu;
  private readonly onCode: CodeTurned | undefined;
  /** In the order of their addresses. */
  private windows: readonly Window[] = [];
  /** The window in which an address was last looked up. */
  private recent = NO_WINDOW;
  /** The ram_addrs of the pages that have turned dirty for CODE, for `tell`. */
  private turned: number[] = [];

  constructor(vcpu: Vcpu, onCode: CodeTurned | undefined) {
    this.vcpu = vcpu;
    this.onCode = onCode;
    this.pageSize = vcpu.pageSize;
    this.unitShift = Math.log2(Math.min(vcpu.pageSize, UNIT));
  }

  /** @throws RangeError when a part of the place has bytes already; then nothing has changed */
  add(operation: string, start: number, bytes: Uint8Array): void {
    const end = start + bytes.length;
    const taken = this.windows.find((window) => window.start < end && start < window.end);
    if (taken !== undefined) {
      const place = `bytes ${showAddress(start)} to ${showAddress(end)}`;
      const there = `${showAddress(taken.start)} to ${showAddress(taken.end)}`;
      throw new RangeError(`${operation}: ${place} overlap ${there}, which are mapped; unmap them first`);
    }
    this.replace([...this.windows, ...this.cut(start, bytes)]);
  }

  /** Takes the range out of all windows. What stays of a window has no marks, as if it were new. */
  remove(start: number, end: number): void {
    this.replace(
      this.windows.flatMap((window) => {
        if (window.end <= start || end <= window.start) return [window];
        const below = window.u8.subarray(0, Math.max(0, start - window.start));
        const above = window.u8.subarray(Math.min(window.size, end - window.start));
        return [...this.cut(window.start, below), ...this.cut(window.end - above.length, above)];
      }),
    );
  }

  /** To be called before a generation is used again. */
  forget(): void {
    for (const { marked } of this.windows) marked.fill(0);
  }

  /** The window that begins at ram_addr 0; one without bytes when there is none. */
  get lowest(): Window {
    const [first] = this.windows;
    return first?.start === 0 ? first : NO_WINDOW;
  }

  /**
   * Finds the window of an address. @throws TypeError, RangeError for what is no address, and where there is no RAM
   */
  find(operation: string, addr: number, length: number): Window {
    const { recent } = this;
    const at = addr - recent.start;
    if (at >= 0 && at <= recent.last && Number.isInteger(addr)) return recent;
    checkAddress(operation, 'address', addr);
    const found = this.search(addr);
    if (found === undefined) throw this.noRam(operation, addr, length, addr);
    this.recent = found;
    return found;
  }

  /**
   * Marks the pages of an access that are not marked in this interval, unless it goes from one window into the next:
   * such a one is left to `prepareAll`.
   * @param generation of the interval. @returns the window of the first byte
   * @throws as `find`, and what `Vcpu.mark` throws; then nothing must be stored
   */
  prepare(operation: string, addr: number, length: number, generation: number): Window {
    const window = this.find(operation, addr, length);
    const at = addr - window.start;
    if (at + length - 1 <= window.last) {
      // `mark` finds out by itself whether the reader may mark, but it does not know of the buffer.
      if (window.u8.length === 0) throw detached(operation);
      this.mark(window, at, length, generation);
    }
    return window;
  }

  /**
   * `prepare` for any number of windows.
   * @param visit is called for each window's part, in the order of the addresses, when all of them are marked
   */
  prepareAll(
    operation: string,
    start: number,
    length: number,
    generation: number,
    visit: (window: Window, at: number, length: number) => void = nothing,
  ): void {
    const parts = this.partsOf(operation, start, length);
    try {
      for (const { window, at, length } of parts) this.mark(window, at, length, generation);
      for (const { window, at, length } of parts) visit(window, at, length);
    } finally {
      this.tell(); // nobody else is told of the pages that were marked before an error
    }
  }

  /** @returns the window of each part of the range. @throws as `find`, when not all of it is RAM */
  partsOf(operation: string, start: number, length: number): { window: Window; at: number; length: number }[] {
    const parts: { window: Window; at: number; length: number }[] = [];
    for (let addr = start; addr < start + length; ) {
      const window = addr === start ? this.find(operation, addr, length) : this.search(addr);
      if (window === undefined) throw this.noRam(operation, start, length, addr);
      if (window.u8.length === 0) throw detached(operation);
      const part = Math.min(start + length, window.end) - addr;
      parts.push({ window, at: addr - window.start, length: part });
      addr += part;
    }
    return parts;
  }

  /** To be called after the store. Tells of the pages that the marks since the last call have turned dirty for CODE. */
  tell(): void {
    if (this.turned.length === 0) return;
    const pages = this.turned;
    this.turned = []; // `onCode` may store
    const { pageSize } = this;
    for (let i = 0; i < pages.length; ) {
      const first = pages[i] as number;
      let length = 0;
      for (; pages[i] === first + length; i++) length += pageSize;
      this.onCode?.(first, length);
    }
  }

  private mark(window: Window, at: number, length: number, generation: number): void {
    const { marked, start } = window;
    const last = (at + length - 1) >>> this.unitShift;
    for (let unit = at >>> this.unitShift; unit <= last; unit++) {
      if (marked[unit] === generation) continue;
      const addr = start + unit * 2 ** this.unitShift;
      const turned = this.vcpu.mark(addr);
      marked[unit] = generation;
      if ((turned & CODE) !== 0 && this.onCode !== undefined) this.turned.push(addr - (addr % this.pageSize));
    }
  }

  private search(addr: number): Window | undefined {
    const { windows } = this;
    let low = 0;
    let high = windows.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((windows[middle] as Window).end <= addr) low = middle + 1;
      else high = middle;
    }
    const found = windows[low];
    return found !== undefined && found.start <= addr ? found : undefined;
  }

  private replace(windows: readonly Window[]): void {
    this.windows = [...windows].sort((a, b) => a.start - b.start);
    this.recent = NO_WINDOW;
  }

  /** The windows of a stretch of bytes, each of at most `MOST_BYTES`. */
  private cut(start: number, bytes: Uint8Array): Window[] {
    const windows: Window[] = [];
    for (let at = 0; at < bytes.length; at += MOST_BYTES) {
      windows.push(new Window(start + at, bytes.subarray(at, at + MOST_BYTES), this.unitShift));
    }
    return windows;
  }

  private noRam(operation: string, start: number, length: number, missing: number): RangeError {
    const below = this.windows.findLast(({ end }) => end <= missing);
    const above = this.windows.find((window) => window.start > missing);
    const from = below === undefined ? 'the beginning' : showAddress(below.end);
    const to = above === undefined ? 'the end' : showAddress(above.start);
    return notRam(operation, start, start + length, `are not all mapped: nothing is from ${from} to ${to}`);
  }
}

function nothing(): void {}

function detached(operation: string): UsageError {
  return new UsageError(
    `${operation}: the buffer of the guest's RAM is detached, as when an unshared memory has grown`,
  );
}

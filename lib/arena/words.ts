/**
 * The one seam to shared memory: nothing else in the project calls `Atomics`, and nothing else indexes the arena.
 *
 * An index counts 32-bit words from the arena's base. Every position that is stored in the arena is such an index.
 *
 * `get`, `set` and `fill` are plain accesses. A plain read of a word that another thread may change sees some value
 * that was written to it (aligned 32-bit accesses do not tear) and orders nothing. A caller of these methods must have
 * a reason: either "owned" (no other thread can reach the word, DM-1) or "hint" (what follows repairs a stale answer).
 * All other methods are sequentially consistent; their callers say which part of that they need.
 */
export class Words {
  private readonly array: Int32Array;

  /** @param byteOffset position of the arena in `buffer`, in bytes, a multiple of 64
   *  @param length size of the arena in 32-bit words; default: up to the end of `buffer` */
  constructor(buffer: ArrayBufferLike, byteOffset: number, length?: number) {
    this.array = new Int32Array(buffer, byteOffset, length);
  }

  /** Size in 32-bit words. */
  get length(): number {
    return this.array.length;
  }

  /** Position of the arena in its buffer, in bytes. */
  get byteOffset(): number {
    return this.array.byteOffset;
  }

  get(index: number): number {
    return this.array[index] as number;
  }

  /** @returns the bits that are set in all three words, by `get` */
  common(first: number, second: number, third: number): number {
    return this.get(first) & this.get(second) & this.get(third);
  }

  set(index: number, value: number): void {
    this.array[index] = value;
  }

  /** Plain stores of `value` to the words `first` to `end - 1`. */
  fill(first: number, end: number, value: number): void {
    this.array.fill(value, first, end);
  }

  load(index: number): number {
    return Atomics.load(this.array, index);
  }

  store(index: number, value: number): void {
    Atomics.store(this.array, index, value);
  }

  /** @returns the value of the word before the operation, like the other read-modify-writes */
  or(index: number, bits: number): number {
    return Atomics.or(this.array, index, bits);
  }

  and(index: number, bits: number): number {
    return Atomics.and(this.array, index, bits);
  }

  add(index: number, value: number): number {
    return Atomics.add(this.array, index, value);
  }

  exchange(index: number, value: number): number {
    return Atomics.exchange(this.array, index, value);
  }

  compareExchange(index: number, expected: number, replacement: number): number {
    return Atomics.compareExchange(this.array, index, expected, replacement);
  }

  /** Wakes every thread that waits on the word. */
  notify(index: number): void {
    Atomics.notify(this.array, index);
  }

  /** May this thread wait? The main thread of a page must not, and no thread can wait on unshared memory. */
  get canWait(): boolean {
    try {
      Atomics.wait(this.array, 0, ~this.get(0), 0);
      return true;
    } catch (error) {
      if (error instanceof TypeError) return false;
      throw error;
    }
  }

  /**
   * Blocks while the word holds `expected`, at most `timeoutMs`. Throws a TypeError on threads that must not block,
   * such as a page's main thread.
   */
  wait(index: number, expected: number, timeoutMs: number): void {
    Atomics.wait(this.array, index, expected, timeoutMs);
  }

  /** Can a thread wait here without blocking? Only where the host has `Atomics.waitAsync`, and the memory is shared. */
  get canWaitAsync(): boolean {
    try {
      Atomics.waitAsync(this.array, 0, ~this.get(0), 0);
      return true;
    } catch (error) {
      if (error instanceof TypeError) return false;
      throw error;
    }
  }

  /**
   * Waits without blocking. The wait cannot be cancelled, and does not keep a Node process alive.
   * @returns a promise that resolves when the word is notified, or after `timeoutMs`; undefined when the word does not
   *   hold `expected`
   */
  waitAsync(index: number, expected: number, timeoutMs: number): Promise<unknown> | undefined {
    const { async, value } = Atomics.waitAsync(this.array, index, expected, timeoutMs);
    return async ? value : undefined;
  }

  /**
   * For a loop that waits for another thread: gives the core's other hardware thread more of the core, where possible.
   */
  pause(): void {
    (Atomics as { readonly pause?: () => void }).pause?.();
  }
}

/** Atomic read-modify-writes of the guest on its RAM. */
export type ReadModifyWrite = 'add' | 'sub' | 'and' | 'or' | 'xor' | 'exchange';

/** Integers of the guest's RAM: of 8, 16 and 32 bits, which are numbers, and of 64, which are BigInts. */
export type GuestIntegers = Uint8Array | Uint16Array | Uint32Array;

/**
 * The atomic accesses that a guest's instructions make to its own RAM. They order what the guest wants ordered, and the
 * engine relies on none of them. @returns the element before the operation
 */
export function modifyGuest(view: GuestIntegers, index: number, by: ReadModifyWrite, operand: number): number {
  return Atomics[by](view, index, operand);
}

/** `modifyGuest` for 64 bits. */
export function modifyGuest64(view: BigUint64Array, index: number, by: ReadModifyWrite, operand: bigint): bigint {
  return Atomics[by](view, index, operand);
}

/** Stores `value` where `expected` is, as `modifyGuest`. @returns what was there */
export function exchangeGuest(view: GuestIntegers, index: number, expected: number, value: number): number {
  return Atomics.compareExchange(view, index, expected, value);
}

/** `exchangeGuest` for 64 bits. */
export function exchangeGuest64(view: BigUint64Array, index: number, expected: bigint, value: bigint): bigint {
  return Atomics.compareExchange(view, index, expected, value);
}

/** An atomic load of the guest. */
export function loadGuest(view: GuestIntegers, index: number): number {
  return Atomics.load(view, index);
}

/** An atomic load of the guest, of 64 bits, which a plain load may see in two halves. */
export function loadGuest64(view: BigUint64Array, index: number): bigint {
  return Atomics.load(view, index);
}

/** An atomic store of the guest. */
export function storeGuest(view: GuestIntegers, index: number, value: number): void {
  Atomics.store(view, index, value);
}

/** An atomic store of the guest, of 64 bits. */
export function storeGuest64(view: BigUint64Array, index: number, value: bigint): void {
  Atomics.store(view, index, value);
}

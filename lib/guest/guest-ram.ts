/**
 * Guest RAM as an interpreter in JavaScript loads and stores it: each store marks its pages, and costs little more than
 * a store to a typed array.
 *
 * Fast paths are for the window that begins at ram_addr 0, where most machines have their RAM, and for pages of 4 KiB and
 * more; all other RAM takes a call more. A store's fast path is one test. The address is rotated right by the bits that
 * are 0 in an aligned one, so that an unaligned address has a huge index, as a negative one has. The index without the
 * bits within a unit finds the unit's byte in `marked`, which is undefined outside the window, and otherwise the
 * generation of the interval in which the unit was marked. So the byte is equal to the generation in force only where the
 * address is aligned, lies in the window, and is marked. The comparison `at === addr` refuses fractions, NaN and larger
 * numbers. V8 leaves it out where all addresses are integers of 32 bits.
 *
 * The fields that the fast paths read change in the constructor already. V8 takes a field that has never changed for a
 * constant, and throws the code away that it has made of it when the field does change.
 */
import {
  exchangeGuest,
  exchangeGuest64,
  type GuestIntegers,
  loadGuest,
  loadGuest64,
  modifyGuest,
  modifyGuest64,
  type ReadModifyWrite,
  storeGuest,
  storeGuest64,
} from '../arena/words.js';
import { isUint8Array } from '../base/brands.js';
import { checkAddress, checkFunction, checkInteger, outOfRange, wrongType } from '../base/errors.js';
import { readOptions } from '../base/options.js';
import { Vcpu } from '../dirty/vcpu.js';
import type { IntervalCache } from '../rcu/reader.js';
import { bytesOf, checkGuestBytes, checkPlace, type GuestBytes } from './guest-bytes.js';
import { type CodeTurned, MarkedWindows, UNIT } from './marked-windows.js';
import { NO_GENERATION, NO_WINDOW, type Window } from './window.js';

/** A RAM block, or a part of one, and where its bytes are. */
export interface GuestRamPart {
  /** The ram_addr of the first byte (`RamBlock.offset`), a multiple of the page size. */
  readonly offset: number;
  /** Whole pages, from a multiple of 8 in their buffer. The buffer must stay attached. */
  readonly contents: GuestBytes;
}

/** What a `GuestRam` tells. */
export interface GuestRamOptions {
  /**
   * Called when pages have turned dirty for CODE, so that translations made from them are no good any more. Gets whole
   * pages, in bytes of ram_addr space; it is called at the end of the access that has marked them, whose bytes are
   * stored by then. It may itself store. What it throws, the access throws.
   */
  readonly onCode?: CodeTurned;
}

/** The widths of the accesses, in bytes. */
const WIDTHS = {
  ...{ store8: 1, store16: 2, store32: 4, store64: 8, storeF32: 4, storeF64: 8 },
  ...{ loadU8: 1, loadS8: 1, loadU16: 2, loadS16: 2, loadU32: 4, loadS32: 4, loadU64: 8, loadS64: 8 },
  ...{ loadF32: 4, loadF64: 8 },
} as const;
type Store = Extract<keyof typeof WIDTHS, `store${string}`>;
type Load = Exclude<keyof typeof WIDTHS, Store>;

/** Which integers an atomic access is for. */
export type AtomicBits = 8 | 16 | 32;

const LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
const OPERATIONS: readonly ReadModifyWrite[] = ['add', 'sub', 'and', 'or', 'xor', 'exchange'];

/**
 * The RAM of a vCPU's instructions. Addresses are ram_addrs in bytes, at any alignment, and an access may go from one
 * RAM block into the next. Values have the byte order of the host, which is little-endian wherever JavaScript runs
 * today; a store converts its value as the typed array of its width does. Only the vCPU's thread may use it, and only
 * stores of the vCPU's current interval are made: offline and detached, stores are refused, while loads go on.
 *
 * An aligned access of up to 32 bits is never torn. One of 64 bits may be by the language, though not by the engines of
 * 64-bit hosts; an unaligned one may be. The atomic accesses never are.
 */
export class GuestRam implements IntervalCache {
  /** The generation of the interval, 1 to 255; `NO_GENERATION` while the reader is offline. */
  private generation = NO_GENERATION;
  private lastGeneration = 255;
  private readonly scratch = new DataView(new ArrayBuffer(8));
  declare private readonly windows: MarkedWindows;
  /** The window that begins at ram_addr 0, if the fast paths serve it. */
  declare private marked: Uint8Array;
  declare private u8: Uint8Array;
  declare private u16: Uint16Array;
  declare private i32: Int32Array;
  declare private u64: BigUint64Array;
  declare private f32: Float32Array;
  declare private f64: Float64Array;
  /** The elements of the window, by their width. */
  declare private bytes: number;
  declare private halves: number;
  declare private words: number;
  declare private doubles: number;

  /**
   * @param vcpu the reader of the calling thread that all stores are marked by; no other `GuestRam` need have it
   * @param ram one buffer with all RAM, from ram_addr 0; or RAM blocks, which `map` and `unmap` may change
   * @throws TypeError, RangeError, also when the engine's pages have less than 8 bytes
   */
  constructor(vcpu: Vcpu, ram: GuestBytes | Iterable<GuestRamPart>, options: GuestRamOptions = {}) {
    const operation = 'new GuestRam';
    if (!Vcpu.is(vcpu)) throw wrongType(operation, 'vcpu', vcpu, 'a Vcpu, as attachVcpu returns it');
    const { onCode } = readOptions(operation, options, { onCode: true });
    if (onCode !== undefined) checkFunction(operation, 'onCode', onCode);
    checkInteger(operation, "the engine's page size", vcpu.pageSize, 8, 2 ** 30);
    this.windows = new MarkedWindows(vcpu, onCode);
    for (const { offset, contents } of partsOf(operation, ram)) this.add(operation, offset, contents);
    this.serve(this.fastest());
    vcpu.keep(this);
  }

  /**
   * Adds a RAM block, or a part of one: when it was plugged, has grown or was populated. Its stores mark from the
   * vCPU's next quiescent state, as all marks in new RAM.
   * @param offset the ram_addr of the first byte, a multiple of the page size
   * @param contents whole pages, from a multiple of 8 in their buffer
   * @throws TypeError, RangeError, also when a part of the place is mapped; then nothing has changed
   */
  map(offset: number, contents: GuestBytes): void {
    this.add('map', offset, contents);
    this.refreshFast();
  }

  /**
   * Takes RAM away: when it is to be unplugged, cut off or discarded. Accesses there are refused from now on. Nothing
   * need be mapped there.
   * @param offset a ram_addr. @param length in bytes. Both are multiples of the page size
   * @throws TypeError, RangeError
   */
  unmap(offset: number, length: number): void {
    const { pageSize } = this.windows;
    checkPlace('unmap', 'offset', offset, pageSize);
    checkPlace('unmap', 'length', length, pageSize);
    checkAddress('unmap', 'the end of the range', offset + length);
    this.windows.remove(offset, offset + length);
    this.refreshFast();
  }

  /** @internal An interval of the vCPU begins. */
  begin(): void {
    if (this.lastGeneration === 255) this.windows.forget();
    this.lastGeneration = this.lastGeneration === 255 ? 1 : this.lastGeneration + 1;
    this.generation = this.lastGeneration;
  }

  /** @internal The vCPU is offline or detached. */
  end(): void {
    this.generation = NO_GENERATION;
  }

  /** Stores 8 bits. @throws TypeError, RangeError where there is no RAM; what `Vcpu.mark` throws */
  store8(addr: number, value: number): void {
    const at = addr | 0;
    if (at === addr && this.marked[at >>> 12] === this.generation) this.u8[at] = value;
    else this.storeElsewhere('store8', addr, value);
  }

  /** Stores 16 bits. @throws TypeError, RangeError where there is no RAM; what `Vcpu.mark` throws */
  store16(addr: number, value: number): void {
    const at = addr | 0;
    const index = (at >>> 1) | (at << 31);
    if (at === addr && this.marked[index >>> 11] === this.generation) this.u16[index] = value;
    else this.storeElsewhere('store16', addr, value);
  }

  /** Stores 32 bits. @throws TypeError, RangeError where there is no RAM; what `Vcpu.mark` throws */
  store32(addr: number, value: number): void {
    const at = addr | 0;
    const index = (at >>> 2) | (at << 30);
    if (at === addr && this.marked[index >>> 10] === this.generation) this.i32[index] = value;
    else this.storeElsewhere('store32', addr, value);
  }

  /** Stores 64 bits. @throws TypeError, RangeError where there is no RAM; what `Vcpu.mark` throws */
  store64(addr: number, value: bigint): void {
    const at = addr | 0;
    const index = (at >>> 3) | (at << 29);
    if (at === addr && this.marked[index >>> 9] === this.generation) this.u64[index] = value;
    else this.storeElsewhere('store64', addr, value);
  }

  /** Stores a float of 32 bits. @throws TypeError, RangeError where there is no RAM; what `Vcpu.mark` throws */
  storeF32(addr: number, value: number): void {
    const at = addr | 0;
    const index = (at >>> 2) | (at << 30);
    if (at === addr && this.marked[index >>> 10] === this.generation) this.f32[index] = value;
    else this.storeElsewhere('storeF32', addr, value);
  }

  /** Stores a float of 64 bits. @throws TypeError, RangeError where there is no RAM; what `Vcpu.mark` throws */
  storeF64(addr: number, value: number): void {
    const at = addr | 0;
    const index = (at >>> 3) | (at << 29);
    if (at === addr && this.marked[index >>> 9] === this.generation) this.f64[index] = value;
    else this.storeElsewhere('storeF64', addr, value);
  }

  /** Loads 8 bits, unsigned. @throws TypeError, RangeError where there is no RAM */
  loadU8(addr: number): number {
    const at = addr | 0;
    const index = at >>> 0;
    if (at === addr && index < this.bytes) return this.u8[index] as number;
    return (this.loadElsewhere('loadU8', addr) as number) & 0xff;
  }

  /** Loads 8 bits, signed. @throws TypeError, RangeError where there is no RAM */
  loadS8(addr: number): number {
    const at = addr | 0;
    const index = at >>> 0;
    if (at === addr && index < this.bytes) return ((this.u8[index] as number) << 24) >> 24;
    return ((this.loadElsewhere('loadS8', addr) as number) << 24) >> 24;
  }

  /** Loads 16 bits, unsigned. @throws TypeError, RangeError where there is no RAM */
  loadU16(addr: number): number {
    const at = addr | 0;
    const index = ((at >>> 1) | (at << 31)) >>> 0;
    if (at === addr && index < this.halves) return this.u16[index] as number;
    return (this.loadElsewhere('loadU16', addr) as number) & 0xffff;
  }

  /** Loads 16 bits, signed. @throws TypeError, RangeError where there is no RAM */
  loadS16(addr: number): number {
    const at = addr | 0;
    const index = ((at >>> 1) | (at << 31)) >>> 0;
    if (at === addr && index < this.halves) return ((this.u16[index] as number) << 16) >> 16;
    return ((this.loadElsewhere('loadS16', addr) as number) << 16) >> 16;
  }

  /** Loads 32 bits, unsigned. @throws TypeError, RangeError where there is no RAM */
  loadU32(addr: number): number {
    const at = addr | 0;
    const index = ((at >>> 2) | (at << 30)) >>> 0;
    if (at === addr && index < this.words) return (this.i32[index] as number) >>> 0;
    return (this.loadElsewhere('loadU32', addr) as number) >>> 0;
  }

  /** Loads 32 bits, signed. @throws TypeError, RangeError where there is no RAM */
  loadS32(addr: number): number {
    const at = addr | 0;
    const index = ((at >>> 2) | (at << 30)) >>> 0;
    if (at === addr && index < this.words) return this.i32[index] as number;
    return (this.loadElsewhere('loadS32', addr) as number) | 0;
  }

  /** Loads 64 bits, unsigned. @throws TypeError, RangeError where there is no RAM */
  loadU64(addr: number): bigint {
    const at = addr | 0;
    const index = ((at >>> 3) | (at << 29)) >>> 0;
    if (at === addr && index < this.doubles) return this.u64[index] as bigint;
    return this.loadElsewhere('loadU64', addr) as bigint;
  }

  /** Loads 64 bits, signed. @throws TypeError, RangeError where there is no RAM */
  loadS64(addr: number): bigint {
    const at = addr | 0;
    const index = ((at >>> 3) | (at << 29)) >>> 0;
    if (at === addr && index < this.doubles) return BigInt.asIntN(64, this.u64[index] as bigint);
    return BigInt.asIntN(64, this.loadElsewhere('loadS64', addr) as bigint);
  }

  /** Loads a floating-point number of 32 bits. @throws TypeError, RangeError where there is no RAM */
  loadF32(addr: number): number {
    const at = addr | 0;
    const index = ((at >>> 2) | (at << 30)) >>> 0;
    if (at === addr && index < this.words) return this.f32[index] as number;
    return +(this.loadElsewhere('loadF32', addr) as number);
  }

  /** Loads a floating-point number of 64 bits. @throws TypeError, RangeError where there is no RAM */
  loadF64(addr: number): number {
    const at = addr | 0;
    const index = ((at >>> 3) | (at << 29)) >>> 0;
    if (at === addr && index < this.doubles) return this.f64[index] as number;
    return +(this.loadElsewhere('loadF64', addr) as number);
  }

  /**
   * An atomic read-modify-write, of an aligned address. `exchange` stores the operand.
   * @param bits the width. @returns what was there, unsigned
   * @throws as the stores; RangeError when the address is not aligned
   */
  readModifyWrite(operation: ReadModifyWrite, addr: number, bits: AtomicBits, operand: number): number {
    const name = 'readModifyWrite';
    if (!OPERATIONS.includes(operation)) throw noOperation(name, operation);
    checkOperand(name, 'operand', operand);
    const { view, index } = this.atomicWrite(name, addr, bits);
    const before = modifyGuest(view, index, operation, operand);
    this.windows.tell();
    return before;
  }

  /** `readModifyWrite` of 64 bits. */
  readModifyWrite64(operation: ReadModifyWrite, addr: number, operand: bigint): bigint {
    const name = 'readModifyWrite64';
    if (!OPERATIONS.includes(operation)) throw noOperation(name, operation);
    checkOperand64(name, 'operand', operand);
    const window = this.aligned(name, addr, 8, true);
    const before = modifyGuest64(window.u64, (addr - window.start) >>> 3, operation, operand);
    this.windows.tell();
    return before;
  }

  /**
   * Stores `value` where `expected` is, atomically. Marks the page also where it stores nothing, because it is a write
   * access: x86 writes back what was there.
   * @returns what was there, unsigned: equal to `expected` modulo the width when it has stored
   * @throws as `readModifyWrite`
   */
  compareExchange(addr: number, bits: AtomicBits, expected: number, value: number): number {
    const name = 'compareExchange';
    checkOperand(name, 'expected', expected);
    checkOperand(name, 'value', value);
    const { view, index } = this.atomicWrite(name, addr, bits);
    const before = exchangeGuest(view, index, expected, value);
    this.windows.tell();
    return before;
  }

  /** `compareExchange` of 64 bits. */
  compareExchange64(addr: number, expected: bigint, value: bigint): bigint {
    const name = 'compareExchange64';
    checkOperand64(name, 'expected', expected);
    checkOperand64(name, 'value', value);
    const window = this.aligned(name, addr, 8, true);
    const before = exchangeGuest64(window.u64, (addr - window.start) >>> 3, expected, value);
    this.windows.tell();
    return before;
  }

  /** An atomic store, of an aligned address. @throws as `readModifyWrite` */
  atomicStore(addr: number, bits: AtomicBits, value: number): void {
    checkOperand('atomicStore', 'value', value);
    const { view, index } = this.atomicWrite('atomicStore', addr, bits);
    storeGuest(view, index, value);
    this.windows.tell();
  }

  /** `atomicStore` of 64 bits. */
  atomicStore64(addr: number, value: bigint): void {
    checkOperand64('atomicStore64', 'value', value);
    const window = this.aligned('atomicStore64', addr, 8, true);
    storeGuest64(window.u64, (addr - window.start) >>> 3, value);
    this.windows.tell();
  }

  /** An atomic load, of an aligned address. @returns unsigned. @throws TypeError, RangeError */
  atomicLoad(addr: number, bits: AtomicBits): number {
    const bytes = checkBits('atomicLoad', bits) / 8;
    const window = this.aligned('atomicLoad', addr, bytes, false);
    return loadGuest(viewOf(window, bytes), (addr - window.start) / bytes);
  }

  /** `atomicLoad` of 64 bits. */
  atomicLoad64(addr: number): bigint {
    const window = this.aligned('atomicLoad64', addr, 8, false);
    return loadGuest64(window.u64, (addr - window.start) >>> 3);
  }

  /**
   * Stores the same byte everywhere in a range. @param value converted to a byte. @param length in bytes
   * @throws as the stores; then nothing is stored
   */
  fill(value: number, start: number, length: number): void {
    checkOperand('fill', 'value', value);
    this.checkRange('fill', start, length);
    this.windows.prepareAll('fill', start, length, this.generation, ({ u8 }, at, part) => {
      u8.fill(value, at, at + part);
    });
  }

  /**
   * Copies bytes within guest RAM, as if by way of a buffer where the ranges overlap.
   * @param target a ram_addr. @param start of what is copied, a ram_addr. @param length in bytes
   * @throws as the stores; then nothing is stored
   */
  copyWithin(target: number, start: number, length: number): void {
    this.checkRange('copyWithin', target, length);
    this.checkRange('copyWithin', start, length);
    const sources = this.windows.partsOf('copyWithin', start, length);
    const [source] = sources;
    if (sources.length === 1 && source !== undefined && target - source.window.start + length <= source.window.size) {
      const { window, at } = source;
      const to = target - window.start;
      if (to >= 0) {
        this.windows.prepareAll('copyWithin', target, length, this.generation, ({ u8 }) => {
          u8.copyWithin(to, at, at + length);
        });
        return;
      }
    }
    const copy = new Uint8Array(length);
    for (const { window, at, length: part } of sources) {
      copy.set(window.u8.subarray(at, at + part), window.start + at - start);
    }
    this.store('copyWithin', copy, target);
  }

  /** Stores bytes. @param start a ram_addr. @throws as the stores; then nothing is stored */
  set(source: Uint8Array, start: number): void {
    if (!isUint8Array(source)) throw wrongType('set', 'source', source, 'a Uint8Array');
    this.checkRange('set', start, source.length);
    this.store('set', source, start);
  }

  private store(operation: string, source: Uint8Array, start: number): void {
    let from = 0;
    this.windows.prepareAll(operation, start, source.length, this.generation, ({ u8 }, at, part) => {
      u8.set(source.subarray(from, from + part), at);
      from += part;
    });
  }

  private checkRange(operation: string, start: number, length: number): void {
    checkAddress(operation, 'address', start);
    checkInteger(operation, 'length', length, 0, Number.MAX_SAFE_INTEGER - start);
  }

  private add(operation: string, offset: number, contents: GuestBytes): void {
    this.windows.add(operation, offset, checkGuestBytes(operation, offset, contents, this.windows.pageSize));
  }

  /** The window that the fast paths can serve; one without bytes when there is none. */
  private fastest(): Window {
    return this.windows.pageSize >= UNIT ? this.windows.lowest : NO_WINDOW;
  }

  private refreshFast(): void {
    const fastest = this.fastest();
    if (fastest.u8 !== this.u8) this.serve(fastest);
  }

  private serve(window: Window): void {
    this.marked = window.marked;
    this.u8 = window.u8;
    this.u16 = window.u16;
    this.i32 = window.i32;
    this.u64 = window.u64;
    this.f32 = window.f32;
    this.f64 = window.f64;
    this.bytes = window.size;
    this.halves = window.size / 2;
    this.words = window.size / 4;
    this.doubles = window.size / 8;
  }

  private atomicWrite(operation: string, addr: number, bits: AtomicBits): { view: GuestIntegers; index: number } {
    const bytes = checkBits(operation, bits) / 8;
    const window = this.aligned(operation, addr, bytes, true);
    return { view: viewOf(window, bytes), index: (addr - window.start) / bytes };
  }

  /** @returns the window of an aligned address. @param writes whether its page is to be marked */
  private aligned(operation: string, addr: number, bytes: number, writes: boolean): Window {
    checkAddress(operation, 'address', addr);
    if (addr % bytes !== 0) throw outOfRange(operation, 'address', addr, `a multiple of ${bytes} for an atomic access`);
    if (writes) return this.windows.prepare(operation, addr, bytes, this.generation);
    return this.windows.find(operation, addr, bytes);
  }

  /**
   * All stores that the fast paths do not make. This is one function, because V8 puts smaller ones into the loop of the
   * interpreter, where they cost the fast path half its speed.
   */
  private storeElsewhere(operation: Store, addr: number, value: number | bigint): void {
    const { windows, scratch, generation } = this;
    const width = WIDTHS[operation];
    // Before the marks: a call that is refused changes nothing.
    const type = operation === 'store64' ? 'bigint' : 'number';
    if (typeof value !== type) throw wrongType(operation, 'value', value, `a ${type}`);
    const window = windows.prepare(operation, addr, width, generation);
    const at = addr - window.start;
    const isAligned = (at & (width - 1)) === 0;
    const isWithin = at + width - 1 <= window.last;
    const data = isWithin ? window.data : scratch;
    const to = isWithin ? at : 0;
    switch (operation) {
      case 'store8':
        window.u8[at] = value as number;
        break;
      case 'store16':
        if (isAligned) window.u16[at >>> 1] = value as number;
        else data.setUint16(to, value as number, LITTLE_ENDIAN);
        break;
      case 'store32':
        if (isAligned) window.i32[at >>> 2] = value as number;
        else data.setInt32(to, value as number, LITTLE_ENDIAN);
        break;
      case 'store64':
        if (isAligned) window.u64[at >>> 3] = value as bigint;
        else data.setBigUint64(to, value as bigint, LITTLE_ENDIAN);
        break;
      case 'storeF32':
        if (isAligned) window.f32[at >>> 2] = value as number;
        else data.setFloat32(to, value as number, LITTLE_ENDIAN);
        break;
      case 'storeF64':
        if (isAligned) window.f64[at >>> 3] = value as number;
        else data.setFloat64(to, value as number, LITTLE_ENDIAN);
        break;
    }
    if (isWithin) windows.tell();
    else this.store(operation, new Uint8Array(scratch.buffer, 0, width), addr);
  }

  /** All loads that the fast paths do not make. */
  private loadElsewhere(operation: Load, addr: number): number | bigint {
    const width = WIDTHS[operation];
    const window = this.windows.find(operation, addr, width);
    const at = addr - window.start;
    const isAligned = (at & (width - 1)) === 0;
    const isWithin = at + width - 1 <= window.last;
    const data = isWithin ? window.data : this.gather(operation, addr, width);
    const from = isWithin ? at : 0;
    switch (operation) {
      case 'loadU8':
      case 'loadS8':
        return window.u8[at] as number;
      case 'loadU16':
      case 'loadS16':
        return isAligned ? (window.u16[at >>> 1] as number) : data.getUint16(from, LITTLE_ENDIAN);
      case 'loadU32':
      case 'loadS32':
        return isAligned ? (window.i32[at >>> 2] as number) : data.getInt32(from, LITTLE_ENDIAN);
      case 'loadU64':
      case 'loadS64':
        return isAligned ? (window.u64[at >>> 3] as bigint) : data.getBigUint64(from, LITTLE_ENDIAN);
      case 'loadF32':
        return isAligned ? (window.f32[at >>> 2] as number) : data.getFloat32(from, LITTLE_ENDIAN);
      case 'loadF64':
        return isAligned ? (window.f64[at >>> 3] as number) : data.getFloat64(from, LITTLE_ENDIAN);
    }
  }

  /** @returns bytes of two windows */
  private gather(operation: string, addr: number, length: number): DataView {
    const { scratch } = this;
    for (const { window, at, length: part } of this.windows.partsOf(operation, addr, length)) {
      for (let i = 0; i < part; i++) scratch.setUint8(window.start + at + i - addr, window.u8[at + i] as number);
    }
    return scratch;
  }
}

function partsOf(operation: string, ram: unknown): Iterable<GuestRamPart> {
  if (bytesOf(ram) !== undefined) return [{ offset: 0, contents: ram as GuestBytes }];
  const isIterable =
    typeof ram === 'object' && ram !== null && typeof (ram as GuestRamPart[])[Symbol.iterator] === 'function';
  if (!isIterable) throw wrongType(operation, 'ram', ram, 'a buffer, or RAM blocks with their offset and contents');
  return [...(ram as Iterable<GuestRamPart>)].map((part) =>
    readOptions(operation, part, { offset: true, contents: true }, 'a RAM block'),
  );
}

function viewOf(window: Window, bytes: number): GuestIntegers {
  return bytes === 1 ? window.u8 : bytes === 2 ? window.u16 : window.u32;
}

function checkBits(operation: string, bits: unknown): number {
  if (bits === 8 || bits === 16 || bits === 32) return bits;
  if (typeof bits !== 'number') throw wrongType(operation, 'bits', bits, 'a number');
  throw outOfRange(operation, 'bits', bits, '8, 16 or 32');
}

function checkOperand(operation: string, what: string, value: unknown): void {
  if (typeof value !== 'number') throw wrongType(operation, what, value, 'a number');
}

function checkOperand64(operation: string, what: string, value: unknown): void {
  if (typeof value !== 'bigint') throw wrongType(operation, what, value, 'a BigInt');
}

function noOperation(operation: string, given: unknown): Error {
  if (typeof given !== 'string') return wrongType(operation, 'operation', given, 'a string');
  return outOfRange(operation, 'operation', given, `one of ${OPERATIONS.join(', ')}`);
}

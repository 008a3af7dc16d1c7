/**
 * Guest RAM as an interpreter in JavaScript loads and stores it: each store marks its pages, and costs little more than
 * a store to a typed array.
 *
 * Fast paths are for the window that begins at ram_addr 0, where most machines have their RAM, and for pages of 4 KiB and
 * more; all other RAM takes a call more. A store's fast path is one test. The address is rotated right by the bits that
 * are 0 in an aligned one, so that an unaligned address has a huge index, as a negative one has. The index without the
 * bits within a unit finds the unit's byte in `marked`, which is undefined outside the window, and otherwise the
 * generation of the interval in which the unit was marked. So the byte is equal to the generation in force only where the
 * address is aligned, lies in the window, and is marked. V8 makes of `at === addr` nothing where addresses are integers
 * of 32 bits; elsewhere it refuses fractions, NaN, and what is larger.
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
import { NO_GENERATION, Window } from './window.js';

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
  private readonly windows: MarkedWindows;
  private readonly scratch = new DataView(new ArrayBuffer(8));
  /** The generation of the interval, 1 to 255; `NO_GENERATION` while the reader is offline. */
  private generation = NO_GENERATION;
  private lastGeneration = 255;
  /** The window that begins at ram_addr 0, if the fast paths serve it. */
  private marked: Uint8Array;
  private u8: Uint8Array;
  private u16: Uint16Array;
  private i32: Int32Array;
  private u64: BigUint64Array;
  private f32: Float32Array;
  private f64: Float64Array;
  /** The elements of the window, by their width. */
  private bytes = 0;
  private halves = 0;
  private words = 0;
  private doubles = 0;

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
    const none = new Window(0, new Uint8Array(8), 3);
    this.marked = none.marked;
    ({ u8: this.u8, u16: this.u16, i32: this.i32, u64: this.u64, f32: this.f32, f64: this.f64 } = none);
    this.bytes = this.halves = this.words = this.doubles = 1;
    for (const { offset, contents } of partsOf(operation, ram)) this.add(operation, offset, contents);
    this.chooseFast();
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
    this.chooseFast();
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
    this.chooseFast();
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
    else this.store8Elsewhere(addr, value);
  }

  /** Stores 16 bits. @throws TypeError, RangeError where there is no RAM; what `Vcpu.mark` throws */
  store16(addr: number, value: number): void {
    const at = addr | 0;
    const index = (at >>> 1) | (at << 31);
    if (at === addr && this.marked[index >>> 11] === this.generation) this.u16[index] = value;
    else this.store16Elsewhere(addr, value);
  }

  /** Stores 32 bits. @throws TypeError, RangeError where there is no RAM; what `Vcpu.mark` throws */
  store32(addr: number, value: number): void {
    const at = addr | 0;
    const index = (at >>> 2) | (at << 30);
    if (at === addr && this.marked[index >>> 10] === this.generation) this.i32[index] = value;
    else this.store32Elsewhere(addr, value);
  }

  /** Stores 64 bits. @throws TypeError, RangeError where there is no RAM; what `Vcpu.mark` throws */
  store64(addr: number, value: bigint): void {
    const at = addr | 0;
    const index = (at >>> 3) | (at << 29);
    if (at === addr && this.marked[index >>> 9] === this.generation) this.u64[index] = value;
    else this.store64Elsewhere(addr, value);
  }

  /** Stores a floating-point number of 32 bits. @throws TypeError, RangeError where there is no RAM; what `Vcpu.mark` throws */
  storeF32(addr: number, value: number): void {
    const at = addr | 0;
    const index = (at >>> 2) | (at << 30);
    if (at === addr && this.marked[index >>> 10] === this.generation) this.f32[index] = value;
    else this.storeF32Elsewhere(addr, value);
  }

  /** Stores a floating-point number of 64 bits. @throws TypeError, RangeError where there is no RAM; what `Vcpu.mark` throws */
  storeF64(addr: number, value: number): void {
    const at = addr | 0;
    const index = (at >>> 3) | (at << 29);
    if (at === addr && this.marked[index >>> 9] === this.generation) this.f64[index] = value;
    else this.storeF64Elsewhere(addr, value);
  }

  /** Loads 8 bits, unsigned. @throws TypeError, RangeError where there is no RAM */
  loadU8(addr: number): number {
    const at = addr | 0;
    const index = at >>> 0;
    if (at === addr && index < this.bytes) return this.u8[index] as number;
    return this.loadU8Elsewhere('loadU8', addr);
  }

  /** Loads 8 bits, signed. @throws TypeError, RangeError where there is no RAM */
  loadS8(addr: number): number {
    const at = addr | 0;
    const index = at >>> 0;
    if (at === addr && index < this.bytes) return ((this.u8[index] as number) << 24) >> 24;
    return (this.loadU8Elsewhere('loadS8', addr) << 24) >> 24;
  }

  /** Loads 16 bits, unsigned. @throws TypeError, RangeError where there is no RAM */
  loadU16(addr: number): number {
    const at = addr | 0;
    const index = ((at >>> 1) | (at << 31)) >>> 0;
    if (at === addr && index < this.halves) return this.u16[index] as number;
    return this.loadU16Elsewhere('loadU16', addr);
  }

  /** Loads 16 bits, signed. @throws TypeError, RangeError where there is no RAM */
  loadS16(addr: number): number {
    const at = addr | 0;
    const index = ((at >>> 1) | (at << 31)) >>> 0;
    if (at === addr && index < this.halves) return ((this.u16[index] as number) << 16) >> 16;
    return (this.loadU16Elsewhere('loadS16', addr) << 16) >> 16;
  }

  /** Loads 32 bits, unsigned. @throws TypeError, RangeError where there is no RAM */
  loadU32(addr: number): number {
    const at = addr | 0;
    const index = ((at >>> 2) | (at << 30)) >>> 0;
    if (at === addr && index < this.words) return (this.i32[index] as number) >>> 0;
    return this.loadS32Elsewhere('loadU32', addr) >>> 0;
  }

  /** Loads 32 bits, signed. @throws TypeError, RangeError where there is no RAM */
  loadS32(addr: number): number {
    const at = addr | 0;
    const index = ((at >>> 2) | (at << 30)) >>> 0;
    if (at === addr && index < this.words) return this.i32[index] as number;
    return this.loadS32Elsewhere('loadS32', addr);
  }

  /** Loads 64 bits, unsigned. @throws TypeError, RangeError where there is no RAM */
  loadU64(addr: number): bigint {
    const at = addr | 0;
    const index = ((at >>> 3) | (at << 29)) >>> 0;
    if (at === addr && index < this.doubles) return this.u64[index] as bigint;
    return this.loadU64Elsewhere('loadU64', addr);
  }

  /** Loads 64 bits, signed. @throws TypeError, RangeError where there is no RAM */
  loadS64(addr: number): bigint {
    const at = addr | 0;
    const index = ((at >>> 3) | (at << 29)) >>> 0;
    if (at === addr && index < this.doubles) return BigInt.asIntN(64, this.u64[index] as bigint);
    return BigInt.asIntN(64, this.loadU64Elsewhere('loadS64', addr));
  }

  /** Loads a floating-point number of 32 bits. @throws TypeError, RangeError where there is no RAM */
  loadF32(addr: number): number {
    const at = addr | 0;
    const index = ((at >>> 2) | (at << 30)) >>> 0;
    if (at === addr && index < this.words) return this.f32[index] as number;
    return this.loadF32Elsewhere('loadF32', addr);
  }

  /** Loads a floating-point number of 64 bits. @throws TypeError, RangeError where there is no RAM */
  loadF64(addr: number): number {
    const at = addr | 0;
    const index = ((at >>> 3) | (at << 29)) >>> 0;
    if (at === addr && index < this.doubles) return this.f64[index] as number;
    return this.loadF64Elsewhere('loadF64', addr);
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

  /** Gives the fast paths the lowest window, when they can serve it. */
  private chooseFast(): void {
    const { lowest, pageSize } = this.windows;
    const fast = pageSize >= UNIT ? lowest : new Window(0, new Uint8Array(0), 0);
    this.marked = fast.marked;
    this.u8 = fast.u8;
    this.u16 = fast.u16;
    this.i32 = fast.i32;
    this.u64 = fast.u64;
    this.f32 = fast.f32;
    this.f64 = fast.f64;
    this.bytes = fast.size;
    this.halves = fast.size / 2;
    this.words = fast.size / 4;
    this.doubles = fast.size / 8;
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

  private store8Elsewhere(addr: number, value: number): void {
    const window = this.windows.prepare('store8', addr, 1, this.generation);
    window.u8[addr - window.start] = value;
    this.windows.tell();
  }

  private store16Elsewhere(addr: number, value: number): void {
    const window = this.windows.prepare('store16', addr, 2, this.generation);
    const at = addr - window.start;
    if ((at & 1) === 0) window.u16[at >>> 1] = value;
    else if (at + 1 <= window.last) window.data.setUint16(at, value, LITTLE_ENDIAN);
    else {
      this.scratch.setUint16(0, value, LITTLE_ENDIAN);
      this.storeAcross('store16', addr, 2);
    }
    this.windows.tell();
  }

  private store32Elsewhere(addr: number, value: number): void {
    const window = this.windows.prepare('store32', addr, 4, this.generation);
    const at = addr - window.start;
    if ((at & 3) === 0) window.i32[at >>> 2] = value;
    else if (at + 3 <= window.last) window.data.setInt32(at, value, LITTLE_ENDIAN);
    else {
      this.scratch.setInt32(0, value, LITTLE_ENDIAN);
      this.storeAcross('store32', addr, 4);
    }
    this.windows.tell();
  }

  private store64Elsewhere(addr: number, value: bigint): void {
    const window = this.windows.prepare('store64', addr, 8, this.generation);
    const at = addr - window.start;
    if ((at & 7) === 0) window.u64[at >>> 3] = value;
    else if (at + 7 <= window.last) window.data.setBigUint64(at, value, LITTLE_ENDIAN);
    else {
      this.scratch.setBigUint64(0, value, LITTLE_ENDIAN);
      this.storeAcross('store64', addr, 8);
    }
    this.windows.tell();
  }

  private storeF32Elsewhere(addr: number, value: number): void {
    const window = this.windows.prepare('storeF32', addr, 4, this.generation);
    const at = addr - window.start;
    if ((at & 3) === 0) window.f32[at >>> 2] = value;
    else if (at + 3 <= window.last) window.data.setFloat32(at, value, LITTLE_ENDIAN);
    else {
      this.scratch.setFloat32(0, value, LITTLE_ENDIAN);
      this.storeAcross('storeF32', addr, 4);
    }
    this.windows.tell();
  }

  private storeF64Elsewhere(addr: number, value: number): void {
    const window = this.windows.prepare('storeF64', addr, 8, this.generation);
    const at = addr - window.start;
    if ((at & 7) === 0) window.f64[at >>> 3] = value;
    else if (at + 7 <= window.last) window.data.setFloat64(at, value, LITTLE_ENDIAN);
    else {
      this.scratch.setFloat64(0, value, LITTLE_ENDIAN);
      this.storeAcross('storeF64', addr, 8);
    }
    this.windows.tell();
  }

  private loadU8Elsewhere(operation: string, addr: number): number {
    const window = this.windows.find(operation, addr, 1);
    return window.data.getUint8(addr - window.start);
  }

  private loadU16Elsewhere(operation: string, addr: number): number {
    const window = this.windows.find(operation, addr, 2);
    const at = addr - window.start;
    if (at + 1 > window.last) return this.loadAcross(operation, addr, 2).getUint16(0, LITTLE_ENDIAN);
    if ((at & 1) === 0) return window.u16[at >>> 1] as number;
    return window.data.getUint16(at, LITTLE_ENDIAN);
  }

  private loadS32Elsewhere(operation: string, addr: number): number {
    const window = this.windows.find(operation, addr, 4);
    const at = addr - window.start;
    if (at + 3 > window.last) return this.loadAcross(operation, addr, 4).getInt32(0, LITTLE_ENDIAN);
    if ((at & 3) === 0) return window.i32[at >>> 2] as number;
    return window.data.getInt32(at, LITTLE_ENDIAN);
  }

  private loadU64Elsewhere(operation: string, addr: number): bigint {
    const window = this.windows.find(operation, addr, 8);
    const at = addr - window.start;
    if (at + 7 > window.last) return this.loadAcross(operation, addr, 8).getBigUint64(0, LITTLE_ENDIAN);
    if ((at & 7) === 0) return window.u64[at >>> 3] as bigint;
    return window.data.getBigUint64(at, LITTLE_ENDIAN);
  }

  private loadF32Elsewhere(operation: string, addr: number): number {
    const window = this.windows.find(operation, addr, 4);
    const at = addr - window.start;
    if (at + 3 > window.last) return this.loadAcross(operation, addr, 4).getFloat32(0, LITTLE_ENDIAN);
    if ((at & 3) === 0) return window.f32[at >>> 2] as number;
    return window.data.getFloat32(at, LITTLE_ENDIAN);
  }

  private loadF64Elsewhere(operation: string, addr: number): number {
    const window = this.windows.find(operation, addr, 8);
    const at = addr - window.start;
    if (at + 7 > window.last) return this.loadAcross(operation, addr, 8).getFloat64(0, LITTLE_ENDIAN);
    if ((at & 7) === 0) return window.f64[at >>> 3] as number;
    return window.data.getFloat64(at, LITTLE_ENDIAN);
  }

  /** Stores the first bytes of `scratch` to two windows. */
  private storeAcross(operation: string, addr: number, length: number): void {
    this.store(operation, new Uint8Array(this.scratch.buffer, 0, length), addr);
  }

  /** @returns bytes of two windows */
  private loadAcross(operation: string, addr: number, length: number): DataView {
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
  return [...(ram as Iterable<unknown>)].map((part) => {
    if (typeof part !== 'object' || part === null) throw wrongType(operation, 'a RAM block', part, 'an object');
    return readOptions(operation, part as GuestRamPart, { offset: true, contents: true }, 'a RAM block');
  });
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

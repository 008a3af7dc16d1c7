/**
 * The kernel in WebAssembly, seen from JavaScript: blocks become byte addresses, and the rest is the module's work.
 * Why its accesses are right is argued in assembly/kernel.ts.
 */
import { isShared } from '../arena/memory.js';
import { Words } from '../arena/words.js';
import { messageOf } from '../base/errors.js';
import { AtomicsKernel } from './atomics-kernel.js';
import type { Kernel } from './kernel.js';
import { KERNEL_WASM } from './kernel.wasm.js';

/**
 * What the module exports: the kernel's operations, with byte addresses for blocks. Addresses and positions are unsigned,
 * but come back as signed numbers.
 */
interface Code extends Omit<Kernel, 'name' | 'importLive'> {
  addLive8(
    address: number,
    a: number,
    b: number,
    c: number,
    d: number,
    e: number,
    f: number,
    g: number,
    h: number,
  ): number;
}

/** Words that one call of `addLive8` takes, in bits. */
const BATCH = 256;

export class WasmKernel implements Kernel {
  readonly name = 'wasm';
  private readonly code: Code;
  /** Of the arena in the memory, in bytes, modulo 2^32 as a signed number. */
  private readonly base: number;
  /** For what is too little to be worth a call. */
  private readonly atomics: AtomicsKernel;

  private constructor(code: Code, memory: WebAssembly.Memory, byteOffset: number) {
    this.code = code;
    this.base = byteOffset | 0;
    this.atomics = new AtomicsKernel(
      new Words(memory.buffer, byteOffset, Math.floor((memory.buffer.byteLength - byteOffset) / 4)),
    );
  }

  /**
   * A kernel for the arena that begins at `byteOffset` of the memory. The module is compiled once a thread.
   * @param refuse is told why there is none
   * @returns undefined where this thread cannot have one: no WebAssembly with SIMD and threads, a policy against
   *   compiling, a big-endian machine, a memory with 64-bit addresses, no address space for the code
   */
  static load(
    memory: WebAssembly.Memory,
    byteOffset: number,
    refuse: (why: Error) => void = () => {},
  ): WasmKernel | undefined {
    const module = moduleFor(isShared(memory));
    if (module instanceof Error) {
      refuse(module);
      return undefined;
    }
    let code: Code;
    try {
      code = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Code;
    } catch (error) {
      refuse(asError(error));
      return undefined;
    }
    return new WasmKernel(code, memory, byteOffset);
  }

  findSet(block: number, first: number, end: number): number {
    return this.code.findSet(this.address(block), first, end) >>> 0;
  }

  findClear(block: number, first: number, end: number): number {
    return this.code.findClear(this.address(block), first, end) >>> 0;
  }

  count(block: number, first: number, end: number): number {
    return this.code.count(this.address(block), first, end);
  }

  setLive(block: number, first: number, end: number): number {
    return this.code.setLive(this.address(block), first, end);
  }

  clearLive(block: number, first: number, end: number): void {
    this.code.clearLive(this.address(block), first, end);
  }

  takeLive(block: number, first: number, end: number, into: number): number {
    return this.code.takeLive(this.address(block), first, end, this.address(into));
  }

  returnLive(owned: number, first: number, end: number, block: number): void {
    this.code.returnLive(this.address(owned), first, end, this.address(block));
  }

  /**
   * The bitmap is the caller's and seldom lies in the memory, so its words are read here and go to the module as
   * arguments, eight a call: with one a call, calling would cost more than the word. A second way, for bitmaps in the
   * same buffer, gains most on clean ones (threefold), which are the cheapest anyway.
   */
  importLive(block: number, first: number, end: number, bitmap: Uint8Array, bit: number): number {
    const start = Math.min(first + (-first & 31), end);
    let imported = this.atomics.importLive(block, first, start, bitmap, bit);
    const bytes = new DataView(bitmap.buffer, bitmap.byteOffset, bitmap.byteLength);
    let position = start;
    let source = bit + start - first;
    const shift = source & 7;
    for (; end - position >= BATCH; position += BATCH, source += BATCH) {
      const byte = source >>> 3;
      const a = wordAt(bytes, byte, shift);
      const b = wordAt(bytes, byte + 4, shift);
      const c = wordAt(bytes, byte + 8, shift);
      const d = wordAt(bytes, byte + 12, shift);
      const e = wordAt(bytes, byte + 16, shift);
      const f = wordAt(bytes, byte + 20, shift);
      const g = wordAt(bytes, byte + 24, shift);
      const h = wordAt(bytes, byte + 28, shift);
      if ((a | b | c | d | e | f | g | h) === 0) continue;
      imported += this.code.addLive8(this.address(block) + ((position >>> 5) << 2), a, b, c, d, e, f, g, h);
    }
    return imported + this.atomics.importLive(block, position, end, bitmap, source);
  }

  setOwned(block: number, first: number, end: number): void {
    this.code.setOwned(this.address(block), first, end);
  }

  clearOwned(block: number, first: number, end: number): number {
    return this.code.clearOwned(this.address(block), first, end);
  }

  mergeOwned(from: number, first: number, end: number, into: number): number {
    return this.code.mergeOwned(this.address(from), first, end, this.address(into));
  }

  mergeBothOwned(one: number, other: number, first: number, end: number, into: number): number {
    return this.code.mergeBothOwned(this.address(one), this.address(other), first, end, this.address(into));
  }

  uniteOwned(from: number, first: number, end: number, into: number): number {
    return this.code.uniteOwned(this.address(from), first, end, this.address(into));
  }

  /**
   * Owned, both: moves the set bits of `from` in the range to `into`, and leaves the range clear in `from`.
   * @returns how many bits turned from clear to set in `into`
   */
  mergeAndClearOwned(from: number, first: number, end: number, into: number): number {
    return this.code.mergeAndClearOwned(this.address(from), first, end, this.address(into));
  }

  extractRuns(block: number, first: number, end: number, into: number, capacity: number): number {
    return this.code.extractRuns(this.address(block), first, end, this.address(into), capacity);
  }

  /** Wraps to a negative number above 2^31 bytes: the module takes the same 32 bits for unsigned. */
  private address(block: number): number {
    return (this.base + (block << 2)) | 0;
  }
}

const compiled: { shared?: WebAssembly.Module | Error; unshared?: WebAssembly.Module | Error } = {};

function moduleFor(shared: boolean): WebAssembly.Module | Error {
  const build = shared ? 'shared' : 'unshared';
  compiled[build] ??= compile(build);
  return compiled[build];
}

function compile(build: keyof typeof compiled): WebAssembly.Module | Error {
  // WebAssembly is little-endian everywhere, typed arrays are what the machine is.
  const isLittleEndian = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;
  if (!isLittleEndian) return new Error('this machine is big-endian');
  if (typeof WebAssembly !== 'object') return new Error('there is no WebAssembly');
  const binary = atob(KERNEL_WASM.head) + atob(KERNEL_WASM[build]) + atob(KERNEL_WASM.tail);
  const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
  if (!WebAssembly.validate(bytes)) return new Error('this WebAssembly has no SIMD, or no threads');
  try {
    return new WebAssembly.Module(bytes);
  } catch (error) {
    return asError(error); // the module is valid, so this is a content security policy, or a limit of the engine
  }
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(messageOf(thrown));
}

/** @param shift bits of the first byte that belong to the word before. A fifth byte is read only if there are any. */
function wordAt(bytes: DataView, byte: number, shift: number): number {
  const word = bytes.getInt32(byte, true);
  return shift === 0 ? word : (word >>> shift) | (bytes.getUint8(byte + 4) << (32 - shift));
}

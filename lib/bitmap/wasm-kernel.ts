/**
 * The JavaScript side of the WebAssembly kernel: it translates blocks to byte addresses and leaves the rest to the
 * module. assembly/kernel.ts argues why the module's accesses are right.
 */
import { isShared } from '../arena/memory.js';
import { Words } from '../arena/words.js';
import { messageOf } from '../base/errors.js';
import { AtomicsKernel } from './atomics-kernel.js';
import type { Kernel } from './kernel.js';
import { KERNEL_WASM } from './kernel.wasm.js';

/**
 * The exports of the module: the kernel's operations, with byte addresses for blocks. Addresses and positions are
 * unsigned, but results are returned as signed numbers.
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

/** How many bits one call of `addLive8` takes. */
const BATCH = 256;

export class WasmKernel implements Kernel {
  readonly name = 'wasm';
  private readonly code: Code;
  /** The byte of the memory at which the arena begins, modulo 2^32 as a signed number. */
  private readonly base: number;
  /** For parts that are too small to be worth a call of the module. */
  private readonly atomics: AtomicsKernel;

  private constructor(code: Code, memory: WebAssembly.Memory, byteOffset: number) {
    this.code = code;
    this.base = byteOffset | 0;
    this.atomics = new AtomicsKernel(
      new Words(memory.buffer, byteOffset, Math.floor((memory.buffer.byteLength - byteOffset) / 4)),
    );
  }

  /**
   * Makes a kernel for the arena that begins at `byteOffset` of the memory. Each thread compiles the module once.
   * @param refuse receives the reason when the result is undefined
   * @returns undefined when this thread cannot use the kernel: no WebAssembly with SIMD and threads, a policy against
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
   * The caller's bitmap is seldom in the module's memory, so its words are read here and passed to the module as
   * arguments. One call takes eight words, because with one word a call the call would cost more than the word. A
   * special path for bitmaps in the same buffer would gain most on clean bitmaps (threefold), which are the cheapest
   * anyway.
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

  /** Wraps to a negative number above 2^31 bytes; the module reads the same 32 bits as an unsigned number. */
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
  // WebAssembly is little-endian everywhere; typed arrays have the byte order of the machine.
  const isLittleEndian = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;
  if (!isLittleEndian) return new Error('this machine is big-endian');
  if (typeof WebAssembly !== 'object') return new Error('there is no WebAssembly');
  const binary = atob(KERNEL_WASM.head) + atob(KERNEL_WASM[build]) + atob(KERNEL_WASM.tail);
  const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
  if (!WebAssembly.validate(bytes)) return new Error('this WebAssembly has no SIMD, or no threads');
  try {
    return new WebAssembly.Module(bytes);
  } catch (error) {
    return asError(error); // a valid module fails only by a content security policy or a limit of the JavaScript engine
  }
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(messageOf(thrown));
}

/**
 * @param shift how many bits of the first byte belong to the previous word; a fifth byte is read only if `shift` > 0
 */
function wordAt(bytes: DataView, byte: number, shift: number): number {
  const word = bytes.getInt32(byte, true);
  return shift === 0 ? word : (word >>> shift) | (bytes.getUint8(byte + 4) << (32 - shift));
}

/**
 * Import of a dirty bitmap from elsewhere, such as a hypervisor's log (QEMU: cpu_physical_memory_set_dirty_lebitmap).
 * Unlike QEMU's function, this import ignores bits past `pages`, the start need not be aligned, and the two page sizes
 * may differ.
 */
import { checkInteger, checkPowerOfTwo, outOfRange, wrongType } from '../base/errors.js';
import { type PageRange, touchedPages } from './page-range.js';

export interface DirtyBitmap {
  /** Little-endian: page `n` is bit `n % 8` of byte `floor(n / 8)`. */
  readonly bytes: Uint8Array;
  /** ram_addr of bit 0, in bytes. */
  readonly start: number;
  /** How many bits of `bytes` to use. */
  readonly pages: number;
  /** How many bytes of RAM each bit stands for. */
  readonly hostPageSize: number;
}

/** @throws TypeError, RangeError when the arguments do not describe a bitmap */
export function checkBitmap(bits: unknown, start: unknown, pages: unknown, hostPageSize: unknown): DirtyBitmap {
  const operation = 'setDirtyBitmap';
  if (!ArrayBuffer.isView(bits)) throw wrongType(operation, 'bits', bits, 'a typed array');
  const size = checkPowerOfTwo(operation, 'hostPageSize', hostPageSize, 1, 2 ** 30);
  const from = checkInteger(operation, 'start', start, 0, Number.MAX_SAFE_INTEGER);
  const count = checkInteger(operation, 'pages', pages, 0, Math.floor((Number.MAX_SAFE_INTEGER - from) / size));
  if (count > bits.byteLength * 8) {
    throw outOfRange(operation, 'pages', count, `at most the bitmap's ${bits.byteLength * 8} bits`);
  }
  return {
    bytes: new Uint8Array(bits.buffer, bits.byteOffset, bits.byteLength),
    start: from,
    pages: count,
    hostPageSize: size,
  };
}

/** The ranges of pages that the set bits touch: ascending, disjoint, and clipped to `end`. */
export function* importedRanges(bitmap: DirtyBitmap, pageSize: number, end: number): Generator<PageRange> {
  const { bytes, start, pages, hostPageSize } = bitmap;
  let done = 0;
  for (let bit = 0; bit < pages; bit++) {
    // A shift would truncate: there may be more than 2^32 bits.
    if (((bytes[Math.floor(bit / 8)] as number) & (1 << (bit % 8))) === 0) continue;
    const touched = touchedPages('setDirtyBitmap', start + bit * hostPageSize, hostPageSize, pageSize);
    const first = Math.max(touched.first, done);
    done = Math.min(touched.end, end);
    if (first < done) yield { first, end: done };
  }
}

/** Loops that mark by address for three clients: through a vCPU, and the bare loops for comparison. */
import type { Vcpu } from '../../lib/vcpu.js';

/** Three flat bitmaps with all bits set. */
export class FlatBitmaps {
  readonly vga: Int32Array;
  readonly code: Int32Array;
  readonly migration: Int32Array;

  constructor(words: number) {
    const dirty = () => new Int32Array(new SharedArrayBuffer(words * 4)).fill(-1);
    this.vga = dirty();
    this.code = dirty();
    this.migration = dirty();
  }
}

export function markAddresses(vcpu: Vcpu, addresses: Float64Array): void {
  for (let i = 0; i < addresses.length; i++) vcpu.mark(addresses[i] as number);
}

export function markBareAddresses({ vga, code, migration }: FlatBitmaps, addresses: Float64Array): void {
  for (let i = 0; i < addresses.length; i++) {
    const page = ((addresses[i] as number) * (1 / 4096)) >>> 0;
    const word = page >>> 5;
    const bit = 1 << page;
    if (((vga[word] as number) & bit) === 0) Atomics.or(vga, word, bit);
    if (((code[word] as number) & bit) === 0) Atomics.or(code, word, bit);
    if (((migration[word] as number) & bit) === 0) Atomics.or(migration, word, bit);
  }
}

/** For MIGRATION alone. */
export function markBareForOne({ migration }: FlatBitmaps, addresses: Float64Array): void {
  for (let i = 0; i < addresses.length; i++) {
    const page = ((addresses[i] as number) * (1 / 4096)) >>> 0;
    const word = page >>> 5;
    const bit = 1 << page;
    if (((migration[word] as number) & bit) === 0) Atomics.or(migration, word, bit);
  }
}

export function markBarePages({ vga, code, migration }: FlatBitmaps, pages: Int32Array): void {
  for (let i = 0; i < pages.length; i++) {
    const page = pages[i] as number;
    const word = page >>> 5;
    const bit = 1 << page;
    if (((vga[word] as number) & bit) === 0) Atomics.or(vga, word, bit);
    if (((code[word] as number) & bit) === 0) Atomics.or(code, word, bit);
    if (((migration[word] as number) & bit) === 0) Atomics.or(migration, word, bit);
  }
}

/**
 * A copy of a RAM block's bytes for the audit, page by page. Guest RAM is read plainly beside the stores of vCPUs: what
 * a copy or a comparison has of a store that is under way does not matter, because the page is dirty then
 * (guest/audit.ts).
 */
import { wrongBytes } from '../machine/returned.js';
import type { RamBlock } from '../ram/ram-block.js';

export class Shadow {
  /** `RamBlock.resizes` when the shadow was made. */
  readonly resizes: number;
  readonly pageSize: number;
  private readonly bytes: Uint8Array;
  private readonly copy: Uint8Array;
  private readonly words: Int32Array;
  private readonly copiedWords: Int32Array;
  /** Flags of the pages whose copy is not to be compared with. */
  private readonly outdated: Uint8Array;

  /**
   * @param bytes the block's. @param before the shadow of the block at its former size, whose pages stay
   * @throws TypeError when the bytes cannot be the block's
   */
  constructor({ size, resizes }: RamBlock, bytes: Uint8Array, pageSize: number, before?: Shadow) {
    const wrong = wrongBytes('contents', bytes, size);
    if (wrong !== undefined) throw new TypeError(`auditStores: ${wrong.must}, got ${wrong.got}`);
    this.resizes = resizes;
    this.pageSize = pageSize;
    this.bytes = bytes;
    this.copy = new Uint8Array(size);
    this.words = new Int32Array(bytes.buffer, bytes.byteOffset, Math.floor(size / 4));
    this.copiedWords = new Int32Array(this.copy.buffer, 0, this.words.length);
    this.outdated = new Uint8Array(size / pageSize).fill(1);
    if (before === undefined) return;
    const common = Math.min(size, before.copy.length);
    this.copy.set(before.copy.subarray(0, common));
    this.outdated.set(before.outdated.subarray(0, common / pageSize));
  }

  outdate(first: number, end: number): void {
    this.outdated.fill(1, first, end);
  }

  /** Copies the page, if it is outdated. @returns whether it was */
  refresh(page: number): boolean {
    if (this.outdated[page] === 0) return false;
    this.outdated[page] = 0;
    const at = page * this.pageSize;
    this.copy.set(this.bytes.subarray(at, at + this.pageSize), at);
    return true;
  }

  differs(page: number): boolean {
    const { words, copiedWords, pageSize } = this;
    if (pageSize < 4) return this.difference(page) !== undefined;
    const end = ((page + 1) * pageSize) / 4;
    for (let i = (page * pageSize) / 4; i < end; i++) if (words[i] !== copiedWords[i]) return true;
    return false;
  }

  /** @returns the first and the last byte that differ, from the beginning of the page */
  difference(page: number): { readonly first: number; readonly last: number } | undefined {
    const { bytes, copy, pageSize } = this;
    const at = page * pageSize;
    const isSame = (i: number): boolean => bytes[at + i] === copy[at + i];
    let first = 0;
    while (first < pageSize && isSame(first)) first++;
    if (first === pageSize) return undefined;
    let last = pageSize - 1;
    while (isSame(last)) last--;
    return { first, last };
  }
}

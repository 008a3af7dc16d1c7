/**
 * Turns pages that are to be sent into messages, a chunk at a time. A chunk is made within one step: the destination
 * knows the RAM of its pages, and the pages leave the set in the step that copies them. Only the copy is examined,
 * cached and sent, since vCPUs may store into the page meanwhile; a page to which they store is dirty again.
 *
 * The contents of a part at the destination are always known: they are zero unless the part is `filled`, and equal to
 * the cache's contents if the cache has the part. So the cache must forget a part that becomes zero, or the part would
 * be taken for unchanged when it gets its old contents again.
 */
import type { Run } from '../../dirty/run-iterator.js';
import { MigrationError } from '../migration-error.js';
import { MAX_CONTENT, type Message } from '../wire/message.js';
import type { DirtyPages } from './dirty-pages.js';
import type { OutgoingBlock, OutgoingRam } from './outgoing-ram.js';
import type { PageCache } from './page-cache.js';

/** How many bytes a chunk examines at most, even if nothing of them needs to be sent. */
const CHUNK_BYTES = 2 ** 20;

export class PageSender {
  /** How many parts were sent, zero or unchanged. */
  readonly counts = { sent: 0, zero: 0, unchanged: 0 };
  private readonly ram: OutgoingRam;
  private readonly dirty: DirtyPages;
  private readonly pageSize: number;
  private readonly cache: PageCache;
  private readonly staging = new Uint8Array(MAX_CONTENT);
  private readonly stagingWords = new Int32Array(this.staging.buffer);
  private runs: Iterator<Run> | undefined;
  /** The rest of a run; its pages are sent if they are still in the set. */
  private run = { at: 0, end: 0 };
  /** The page that is being sent, with the part where it continues; it has left the set already. */
  private page: Page | undefined;

  constructor(ram: OutgoingRam, dirty: DirtyPages, pageSize: number, cache: PageCache) {
    this.ram = ram;
    this.dirty = dirty;
    this.pageSize = pageSize;
    this.cache = cache;
  }

  /**
   * @returns the messages of the next chunk, whose contents must be used before the next call; undefined when no pages
   *   are left
   */
  next(): Message[] | undefined {
    const chunk = new Chunk(this.staging);
    const { unit } = this.ram;
    let looked = 0;
    while (looked < CHUNK_BYTES && chunk.room >= unit) {
      const page = this.nextPage();
      if (page === undefined) return looked === 0 ? undefined : chunk.messages();
      const offset = page.at - page.block.block.offset;
      page.at += unit;
      looked += unit;
      this.look(page.block, offset, chunk);
    }
    return chunk.messages();
  }

  /** @returns the messages that make the given-away parts zero at the destination */
  emptySkipped(): Message[] {
    const { unit } = this.ram;
    const chunk = new Chunk(this.staging);
    for (const { number, filled, skipped } of this.ram) {
      for (const index of skipped) {
        if (!filled.lower(index)) continue;
        this.cache.forget(number, index);
        chunk.addZeroes(number, index * unit, unit);
      }
    }
    return chunk.messages();
  }

  private look(outgoing: OutgoingBlock, offset: number, chunk: Chunk): void {
    const { unit } = this.ram;
    const { block, number, bytes, filled } = outgoing;
    // Growing a memory that is not shared detaches its buffer.
    if (bytes.length !== outgoing.size) {
      throw new MigrationError('source', `the bytes that contents('${block.id}') returned are gone`);
    }
    const index = offset / unit;
    const at = chunk.filled;
    this.staging.set(bytes.subarray(offset, offset + unit), at);
    if (this.isZero(at, unit)) {
      this.counts.zero++;
      if (!filled.lower(index)) return;
      this.cache.forget(number, index);
      chunk.addZeroes(number, offset, unit);
    } else if (this.cache.replace(number, index, this.stagingWords, at / 4)) {
      this.counts.unchanged++;
    } else {
      this.counts.sent++;
      filled.raise(index);
      chunk.addContents(number, offset, unit);
    }
  }

  /**
   * Begins to send a page. Parts that were given away before the page was written again no longer count as given away.
   */
  private begin(page: Page): Page {
    const { block, at, end } = page;
    for (let index = this.indexOf(block, at); index < this.indexOf(block, end); index++) block.skipped.lower(index);
    this.page = page;
    return page;
  }

  private goesOn({ block, at, end }: Page): boolean {
    return at < end && this.ram.find(at) === block && !block.skipped.has(this.indexOf(block, at));
  }

  private indexOf({ block }: OutgoingBlock, at: number): number {
    return (at - block.offset) / this.ram.unit;
  }

  private isZero(at: number, unit: number): boolean {
    const words = this.stagingWords;
    for (let i = at / 4; i < (at + unit) / 4; i++) if (words[i] !== 0) return false;
    return true;
  }

  /**
   * @returns the page to continue with. The rest of a page is dropped when it was skipped or its block has gone
   *   meanwhile.
   */
  private nextPage(): Page | undefined {
    if (this.page !== undefined && this.goesOn(this.page)) return this.page;
    this.page = undefined;
    for (;;) {
      while (this.run.at < this.run.end) {
        const at = this.run.at;
        this.run.at += this.pageSize;
        // A page that was skipped meanwhile is no longer in the set. `find` gives no block for a page that was
        // unplugged or discarded, or whose block the destination has not been told of yet.
        if (this.dirty.toSend.delete(at, this.pageSize) === 0) continue;
        const block = this.ram.find(at);
        if (block === undefined) continue;
        return this.begin({ block, at, end: at + this.pageSize });
      }
      this.runs ??= this.dirty.toSend.runs();
      const { done, value } = this.runs.next();
      if (done === true) {
        this.runs = undefined;
        return undefined;
      }
      this.run = { at: value.start, end: value.start + value.length };
    }
  }
}

/** A page, or the rest of one, in bytes of ram_addr space. */
interface Page {
  readonly block: OutgoingBlock;
  at: number;
  readonly end: number;
}

/** Collects the messages of a chunk; neighbouring parts are merged. */
class Chunk {
  /** How many bytes of the staging buffer are in use. */
  filled = 0;
  private readonly staging: Uint8Array;
  private readonly parts: { block: number; offset: number; length: number; from: number | undefined }[] = [];

  constructor(staging: Uint8Array) {
    this.staging = staging;
  }

  get room(): number {
    return this.staging.length - this.filled;
  }

  /** Adds the next `length` bytes of the staging buffer. */
  addContents(block: number, offset: number, length: number): void {
    const last = this.parts.at(-1);
    if (last?.from !== undefined && last.block === block && last.offset + last.length === offset) last.length += length;
    else this.parts.push({ block, offset, length, from: this.filled });
    this.filled += length;
  }

  addZeroes(block: number, offset: number, length: number): void {
    const last = this.parts.at(-1);
    if (last !== undefined && last.from === undefined && last.block === block && last.offset + last.length === offset) {
      last.length += length;
    } else this.parts.push({ block, offset, length, from: undefined });
  }

  messages(): Message[] {
    return this.parts.map(({ block, offset, length, from }) =>
      from === undefined
        ? { type: 'zero', block, offset, length }
        : { type: 'data', block, offset, bytes: this.staging.subarray(from, from + length) },
    );
  }
}

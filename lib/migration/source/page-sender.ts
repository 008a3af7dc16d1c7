/**
 * Turns pages that are to be sent into messages, a chunk at a time. A chunk is made within one step: its pages' RAM is what
 * the destination knows, and they leave the set in the step that copies them. The copy is what is looked at, kept and
 * sent, for vCPUs may be storing into the page meanwhile; a page they store to is dirty again.
 *
 * What the destination has of a part is known at any time: zeroes unless it is `filled`, and what the cache has, if the
 * cache has it. So a part that became zero is forgotten by the cache, or it would be taken for unchanged when it has its
 * old contents again.
 */
import type { Run } from '../../dirty/run-iterator.js';
import { MigrationError } from '../migration-error.js';
import { MAX_CONTENT, type Message } from '../wire/message.js';
import type { DirtyPages } from './dirty-pages.js';
import type { OutgoingBlock, OutgoingRam } from './outgoing-ram.js';
import type { PageCache } from './page-cache.js';

/** How many bytes a chunk looks at, at most, when nothing of them needs to be sent. */
const CHUNK_BYTES = 2 ** 20;

export class PageSender {
  /** In parts. */
  readonly counts = { sent: 0, zero: 0, unchanged: 0 };
  private readonly ram: OutgoingRam;
  private readonly dirty: DirtyPages;
  private readonly pageSize: number;
  private readonly cache: PageCache;
  private readonly staging = new Uint8Array(MAX_CONTENT);
  private readonly stagingWords = new Int32Array(this.staging.buffer);
  private runs: Iterator<Run> | undefined;
  /** The rest of a run whose pages are sent if they are still in the set. */
  private run = { at: 0, end: 0 };
  /** The rest of a page that has left the set. */
  private page: Page | undefined;

  constructor(ram: OutgoingRam, dirty: DirtyPages, pageSize: number, cache: PageCache) {
    this.ram = ram;
    this.dirty = dirty;
    this.pageSize = pageSize;
    this.cache = cache;
  }

  /** @returns the messages of the next chunk, whose contents are to be used before the next call; undefined: no pages left */
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

  /** @returns what makes the destination's parts zero that were given away */
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

  /** What was given away before it was written again is not any more. */
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

  /** The page that the chunk goes on with. Its rest is dropped when it was skipped, or its block has gone, meanwhile. */
  private nextPage(): Page | undefined {
    if (this.page !== undefined && this.goesOn(this.page)) return this.page;
    this.page = undefined;
    for (;;) {
      while (this.run.at < this.run.end) {
        const at = this.run.at;
        this.run.at += this.pageSize;
        // Deleted meanwhile when it was skipped; in no block that is known when that was unplugged or is yet to be told of,
        // nor where it was discarded.
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

/** In bytes of ram_addr space. */
interface Page {
  readonly block: OutgoingBlock;
  at: number;
  readonly end: number;
}

/** Messages that are being put together; neighbours are merged. */
class Chunk {
  /** Of the staging buffer, in bytes. */
  filled = 0;
  private readonly staging: Uint8Array;
  private readonly parts: { block: number; offset: number; length: number; from: number | undefined }[] = [];

  constructor(staging: Uint8Array) {
    this.staging = staging;
  }

  get room(): number {
    return this.staging.length - this.filled;
  }

  /** The next `length` bytes of the staging buffer. */
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

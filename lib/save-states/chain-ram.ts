/**
 * The machine's RAM as a chain has it: the blocks, their numbers in it, and which of their parts are not all zero.
 * The engine's list is looked at in the step that copies. A block that was unplugged and plugged again between two
 * looks is another object, and so another block; so is one that has another size. Parts that are discarded are zero
 * in the chain.
 */
import { showId } from '../base/printable.js';
import type { PageSet } from '../dirty/page-set.js';
import type { StoppableMachine } from '../machine/hooks.js';
import { PageFlags } from '../machine/page-flags.js';
import { wrongBytes } from '../machine/returned.js';
import type { RamBlock } from '../ram/ram-block.js';
import { RUN_HEAD, unitOf } from './entries.js';
import { RamRecords, type WrittenRun } from './ram-records.js';
import type { Draft } from './record.js';
import type { RestoredBlock } from './restored-ram.js';
import { failureOf, SaveStateError } from './save-state-error.js';
import type { NumberedBlock } from './saved-blocks.js';

interface ChainBlock {
  readonly number: number;
  /** In bytes. */
  readonly size: number;
  readonly filled: PageFlags;
}

/** A copy of the dirty pages, and of the list of blocks. */
export interface RamCopy {
  readonly drafts: Draft[];
  readonly blocks: readonly NumberedBlock[];
  readonly runs: readonly WrittenRun[];
  /** The next free block number of the chain. */
  readonly nextNumber: number;
  readonly pages: number;
}

export class ChainRam {
  private readonly machine: StoppableMachine;
  private readonly unit: number;
  private known = new Map<RamBlock, ChainBlock>();
  private next = 0;

  constructor(machine: StoppableMachine) {
    this.machine = machine;
    this.unit = unitOf(machine.memory.pageSize);
  }

  /** Takes over restored blocks, which are equal to those in the chain. */
  adopt(restored: ReadonlyMap<number, RestoredBlock>, nextNumber: number): void {
    for (const { block, filled } of restored.values()) {
      const own = this.machine.memory.ram.get(block.id) as RamBlock;
      this.known.set(own, { number: block.number, size: own.size, filled });
    }
    this.next = nextNumber;
  }

  /**
   * Copies dirty pages. It runs in one step, while nothing stores into RAM.
   * @param dirty the pages to copy; also receives the pages of resized blocks
   * @throws SaveStateError when a hook throws, or returns no bytes of the block; ArenaFullError
   */
  copy(dirty: PageSet): RamCopy {
    const { memory } = this.machine;
    this.lookAtList(dirty);
    const runs: WrittenRun[] = [];
    const records = new RamRecords(this.unit, dirty.pages * (memory.pageSize + RUN_HEAD), runs);
    let pages = 0;
    const blocks = [...this.known].map(([block, known]): NumberedBlock => {
      const bytes = this.contentsOf(block);
      const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
      const parts = block.populatedRuns();
      let reached = 0;
      for (const part of parts) {
        this.emptyPart(records, known, reached, part.offset);
        reached = part.offset + part.length;
        for (const { start, length } of dirty.runs({ block: { offset: part.start, size: part.length } })) {
          const offset = start - block.offset;
          this.copyRun(records, known, { bytes, words, offset, end: offset + length });
          pages += length / memory.pageSize;
        }
      }
      this.emptyPart(records, known, reached, block.size);
      const { number } = known;
      const { id, offset, size, maxSize } = block;
      const populated = parts.map(({ offset: start, length }) => ({ start, length }));
      return { number, id, offset, size, maxSize, populated };
    });
    return { drafts: records.take(true), blocks, runs, nextNumber: this.next, pages };
  }

  /** To be called when the store has kept the copy. */
  commit({ runs }: RamCopy): void {
    const { unit } = this;
    const flags = new Map([...this.known.values()].map(({ number, filled }) => [number, filled]));
    for (const { block, offset, length, zero } of runs) {
      const filled = flags.get(block);
      if (filled === undefined) continue; // unplugged while the copy was written
      for (let at = offset; at < offset + length; at += unit) {
        if (zero) filled.lower(at / unit);
        else filled.raise(at / unit);
      }
    }
  }

  private lookAtList(dirty: PageSet): void {
    const known = new Map<RamBlock, ChainBlock>();
    for (const block of this.machine.memory.ram) {
      const before = this.known.get(block);
      if (before?.size === block.size) {
        known.set(block, before);
        continue;
      }
      if (before !== undefined) for (const { start, length } of block.populatedRuns()) dirty.add(start, length);
      const { size } = block;
      known.set(block, { number: this.next++, size, filled: new PageFlags(size / this.unit) });
    }
    this.known = known;
  }

  /** Makes a discarded part zero in the chain. */
  private emptyPart(records: RamRecords, { number, filled }: ChainBlock, offset: number, end: number): void {
    const { unit } = this;
    for (let at = offset; at < end; ) {
      let to = at;
      while (to < end && filled.has(to / unit)) to += unit;
      if (to > at) records.addZeroes(number, at, to - at);
      at = to + unit;
    }
  }

  /**
   * Copies a run. All-zero parts have no contents in the chain, and are written only if they are not zero there
   * already.
   */
  private copyRun(
    records: RamRecords,
    { number, filled }: ChainBlock,
    { bytes, words, offset, end }: { bytes: Uint8Array; words: Int32Array; offset: number; end: number },
  ): void {
    const { unit } = this;
    const kindAt = (at: number): 'contents' | 'zeroes' | 'nothing' => {
      if (!isZero(words, at / 4, (at + unit) / 4)) return 'contents';
      return filled.has(at / unit) ? 'zeroes' : 'nothing';
    };
    for (let at = offset; at < end; ) {
      const kind = kindAt(at);
      let to = at + unit;
      while (to < end && kindAt(to) === kind) to += unit;
      if (kind === 'contents') records.addContents(number, at, bytes.subarray(at, to));
      if (kind === 'zeroes') records.addZeroes(number, at, to - at);
      at = to;
    }
  }

  private contentsOf(block: RamBlock): Uint8Array {
    let bytes: unknown;
    try {
      bytes = this.machine.contents(block);
    } catch (error) {
      throw failureOf(error, 'machine', 'contents failed');
    }
    const wrong = wrongBytes(`contents(${showId(block.id)})`, bytes, block.size);
    if (wrong !== undefined) throw new SaveStateError('machine', `${wrong.must}, got ${wrong.got}`);
    return bytes as Uint8Array;
  }
}

function isZero(words: Int32Array, from: number, end: number): boolean {
  for (let i = from; i < end; i++) if (words[i] !== 0) return false;
  return true;
}

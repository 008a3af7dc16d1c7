/**
 * The RAM into which the records of a chain are loaded, one after the other. The work for a record is bounded by the
 * bytes of the record, or by contents that earlier records had for the same RAM. Long work lets the event loop turn in
 * between.
 */
import { showId } from '../base/printable.js';
import { PageFlags } from '../machine/page-flags.js';
import { type RamRun, readRuns, unitOf } from './entries.js';
import { RecordType } from './record.js';
import type { RecordReader } from './record-reader.js';
import { malformed, SaveStateError } from './save-state-error.js';
import type { NumberedBlock } from './saved-blocks.js';
import type { WholeState } from './whole-state.js';

/** How many parts are emptied between two checks whether the event loop should get a turn. */
const EMPTIED_AT_ONCE = 16;

/** A block of the restored state, and its bytes. */
export interface RestoredBlock {
  readonly block: NumberedBlock;
  readonly bytes: Uint8Array;
  /** Parts that are not all zero in the chain. */
  readonly filled: PageFlags;
}

export class RestoredRam {
  private readonly unit: number;
  private readonly byNumber = new Map<number, RestoredBlock>();

  constructor(pageSize: number) {
    this.unit = unitOf(pageSize);
  }

  /** The blocks by their numbers in the chain. */
  get blocks(): ReadonlyMap<number, RestoredBlock> {
    return this.byNumber;
  }

  /** @param bytes all zero */
  add(block: NumberedBlock, bytes: Uint8Array): void {
    this.byNumber.set(block.number, { block, bytes, filled: new PageFlags(block.size / this.unit) });
  }

  /** Loads the records up to the state. @throws (rejects) SaveStateError for invalid records; as the reader */
  async fill(reader: RecordReader, { first, end }: WholeState): Promise<void> {
    reader.seek(first);
    for (;;) {
      const type = await reader.again(end.position);
      if (type === undefined) return;
      if (type !== RecordType.ram) continue;
      for (const run of readRuns(await reader.body())) {
        const to = this.byNumber.get(run.block);
        if (to !== undefined) await this.put(to, run, reader); // other blocks do not exist in the restored state
      }
    }
  }

  private async put({ block, bytes, filled }: RestoredBlock, run: RamRun, reader: RecordReader): Promise<void> {
    const { unit } = this;
    const { offset, length, contents } = run;
    checkRun(block, run, unit);
    checkAttached(block, bytes);
    if (contents !== undefined) {
      bytes.set(contents, offset);
      for (let at = offset; at < offset + length; at += unit) filled.raise(at / unit);
      return;
    }
    for (let at = offset, parts = 1; at < offset + length; at += unit, parts++) {
      if (!filled.lower(at / unit)) throw malformed(`a run clears ${showId(block.id)} at ${at}, which is zero already`);
      bytes.fill(0, at, at + unit);
      if (parts % EMPTIED_AT_ONCE !== 0) continue;
      await reader.rest();
      checkAttached(block, bytes);
    }
  }
}

/** @throws SaveStateError unless the run consists of whole parts of the block */
export function checkRun({ id, size }: NumberedBlock, { offset, length }: RamRun, unit: number): void {
  if (offset % unit === 0 && length % unit === 0 && length <= size - offset) return;
  throw malformed(`bytes ${offset} to ${offset + length} of ${showId(id)}, which has ${size}, in parts of ${unit}`);
}

/** Growing a memory that is not shared detaches its buffer. */
function checkAttached({ id, size }: NumberedBlock, bytes: Uint8Array): void {
  if (bytes.length !== size)
    throw new SaveStateError('machine', `the bytes that plug(${showId(id)}) returned are gone`);
}

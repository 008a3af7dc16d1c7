/** Turns contents of RAM into records. */
import { RUN_HEAD } from './entries.js';
import { Draft, MAX_BODY, RecordType } from './record.js';

/** A run as it was written. */
export interface WrittenRun {
  readonly block: number;
  readonly offset: number;
  readonly length: number;
  readonly zero: boolean;
}

export class RamRecords {
  private readonly unit: number;
  private readonly runs: WrittenRun[] | undefined;
  private readonly drafts: Draft[] = [];
  /** How many bytes of bodies are still expected at most. */
  private expected: number;

  /**
   * @param expected how many bytes of bodies there will be at most
   * @param runs receives the runs that were written
   */
  constructor(unit: number, expected: number, runs?: WrittenRun[]) {
    this.unit = unit;
    this.expected = expected;
    this.runs = runs;
  }

  /** Copies the bytes, which are whole parts of the block. */
  addContents(block: number, offset: number, bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; ) {
      const draft = this.draftFor(RUN_HEAD + this.unit);
      const most = Math.floor((draft.room - RUN_HEAD) / this.unit) * this.unit;
      const part = bytes.subarray(done, done + most);
      this.begin(draft, { block, offset: offset + done, length: part.length, zero: false });
      draft.put(part);
      this.expected -= part.length;
      done += part.length;
    }
  }

  addZeroes(block: number, offset: number, length: number): void {
    this.begin(this.draftFor(RUN_HEAD), { block, offset, length, zero: true });
  }

  /**
   * @param all true when nothing more will be added.
   * @returns the full records, or all of them; they are removed here
   */
  take(all: boolean): Draft[] {
    return this.drafts.splice(0, all ? this.drafts.length : this.drafts.length - 1);
  }

  private draftFor(bytes: number): Draft {
    const last = this.drafts.at(-1);
    if (last !== undefined && last.room >= bytes) return last;
    const size = Math.min(MAX_BODY, Math.max(bytes, this.expected));
    const draft = new Draft(RecordType.ram, size);
    this.drafts.push(draft);
    return draft;
  }

  /** Begins a run, whose contents follow. */
  private begin(draft: Draft, run: WrittenRun): void {
    draft.u32(run.block);
    draft.u32(run.zero ? 1 : 0);
    draft.u53(run.offset);
    draft.u53(run.length);
    this.expected -= RUN_HEAD;
    this.runs?.push(run);
  }
}

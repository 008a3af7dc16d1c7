/**
 * A chain's last state as a chain of its own: of each part of RAM the last contents. The chain is read twice: which record has a
 * part's last contents is noted, four bytes a part; then these records' contents are written, in the order in which they come.
 */
import { draftBlock, draftEnd, draftsOfMachine, readRuns, unitOf } from './entries.js';
import { RamRecords } from './ram-records.js';
import { type Draft, RecordType } from './record.js';
import type { RecordReader } from './record-reader.js';
import { checkRun } from './restored-ram.js';
import type { NumberedBlock } from './saved-blocks.js';
import type { WholeState } from './whole-state.js';

/** By a block's number: for each part which record of RAM has its last contents, counted from 1; 0: it is zero. */
type Last = ReadonlyMap<number, { readonly block: NumberedBlock; readonly records: Uint32Array }>;

/** @throws (as it is asked for more) SaveStateError; the signal's reason */
export async function* compacted(reader: RecordReader, state: WholeState): AsyncGenerator<Draft, void, undefined> {
  const unit = unitOf(state.pageSize);
  const last = await lastContents(reader, state, unit);
  const records = new RamRecords(unit, Infinity);
  for await (const { ordinal, body } of ramRecords(reader, state)) {
    for (const { block, offset, contents } of readRuns(body)) {
      const own = last.get(block)?.records;
      if (own === undefined || contents === undefined) continue;
      const isLast = (at: number): boolean => own[(offset + at) / unit] === ordinal;
      for (let at = 0; at < contents.length; ) {
        let to = at + unit;
        while (to < contents.length && isLast(to) === isLast(at)) to += unit;
        if (isLast(at)) records.addContents(block, offset + at, contents.subarray(at, to));
        at = to;
      }
    }
    yield* records.take(false);
  }
  yield* records.take(true);
  yield* state.blocks.map(draftBlock);
  yield* draftsOfMachine(state.machine);
  const { sequence, nextNumber, blocks, machine } = state;
  yield draftEnd({ sequence, isBase: true, blocks: blocks.length, nextNumber, machineBytes: machine.length });
}

async function lastContents(reader: RecordReader, state: WholeState, unit: number): Promise<Last> {
  const last: Last = new Map(
    state.blocks.map((block) => [block.number, { block, records: new Uint32Array(block.size / unit) }]),
  );
  for await (const { ordinal, body } of ramRecords(reader, state)) {
    for (const run of readRuns(body)) {
      const own = last.get(run.block);
      if (own === undefined) continue;
      checkRun(own.block, run, unit);
      own.records.fill(run.contents === undefined ? 0 : ordinal, run.offset / unit, (run.offset + run.length) / unit);
    }
  }
  return last;
}

async function* ramRecords(reader: RecordReader, { first, end }: WholeState) {
  reader.seek(first);
  let ordinal = 0;
  for (;;) {
    const type = await reader.again(end.position);
    if (type === undefined) return;
    if (type === RecordType.ram) yield { ordinal: ++ordinal, body: await reader.body() };
  }
}

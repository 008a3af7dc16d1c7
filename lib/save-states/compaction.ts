/**
 * Compacts a chain: makes its last state a chain of its own, with the last contents of each part of RAM. The chain is
 * read twice. The first time notes which record has the last contents of each part, in four bytes for each part. The
 * second time writes the contents of these records, in the order in which they come.
 */
import { draftBlock, draftEnd, draftsOfMachine, readRuns, unitOf } from './entries.js';
import { RamRecords } from './ram-records.js';
import { type Draft, RecordType } from './record.js';
import type { RecordReader } from './record-reader.js';
import { checkRun } from './restored-ram.js';
import type { NumberedBlock } from './saved-blocks.js';
import type { WholeState } from './whole-state.js';

/**
 * For each block number and each part: which RAM record, counted from 1, has the part's last contents; 0 for a zero
 * part.
 */
type Last = ReadonlyMap<number, { readonly block: NumberedBlock; readonly records: Uint32Array }>;

/** Yields the records of the new chain. @throws (during the iteration) SaveStateError; the signal's reason */
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

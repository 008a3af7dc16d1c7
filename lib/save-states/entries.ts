/**
 * Encodes and decodes bodies of records. Nothing is read past their end; whoever restores checks what the values mean.
 */
import { LONGEST_ID } from '../ram/ram-block.js';
import { Draft, MAX_BODY, RecordType } from './record.js';
import { malformed } from './save-state-error.js';
import type { NumberedBlock } from './saved-blocks.js';

/** The record that ends a state. */
export interface StateEnd {
  readonly sequence: number;
  /** Does the state not depend on earlier states? */
  readonly isBase: boolean;
  readonly blocks: number;
  /** No block of the chain has had this number or a higher one. */
  readonly nextNumber: number;
  /** The total size of the state's machine records, in bytes. */
  readonly machineBytes: number;
}

/** Contents of RAM in whole parts: pages, or 64 KiB parts of larger pages. */
export interface RamRun {
  /** The number of the block. */
  readonly block: number;
  /** In bytes from the beginning of the block. */
  readonly offset: number;
  readonly length: number;
  /** `length` bytes, or undefined when they are all zero. */
  readonly contents: Uint8Array | undefined;
}

/** The size of the head of a run, in bytes. */
export const RUN_HEAD = 24;
const BLOCK_HEAD = 32;
const RANGE = 16;
const END = 28;
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** @returns the size in bytes of a part, which is saved and compared as a whole */
export function unitOf(pageSize: number): number {
  return Math.min(pageSize, 2 ** 16);
}

/** @throws RangeError when the block does not fit into a record */
export function draftBlock({ number, id, offset, size, maxSize, populated }: NumberedBlock): Draft {
  const name = encoder.encode(id);
  const bytes = BLOCK_HEAD + RANGE * populated.length + name.length;
  if (bytes > MAX_BODY) throw new RangeError(`save: '${id}' has too many parts, ${populated.length}`);
  const draft = new Draft(RecordType.block, bytes);
  draft.u32(number);
  draft.u32(populated.length);
  draft.u53(offset);
  draft.u53(size);
  draft.u53(maxSize);
  for (const { start, length } of populated) {
    draft.u53(start);
    draft.u53(length);
  }
  draft.put(name);
  return draft;
}

/** @throws SaveStateError */
export function readBlock(body: Uint8Array): NumberedBlock {
  const view = viewOf(body);
  const ranges = body.length < BLOCK_HEAD ? Infinity : view.getUint32(4, true);
  const nameAt = BLOCK_HEAD + RANGE * ranges;
  if (nameAt > body.length || body.length - nameAt > 3 * LONGEST_ID) throw malformed('a RAM block of wrong length');
  const populated = Array.from({ length: ranges }, (_, i) => {
    const at = BLOCK_HEAD + RANGE * i;
    return { start: u53(view, at), length: u53(view, at + 8) };
  });
  const id = textOf(body.subarray(nameAt));
  const [number, offset, size, maxSize] = [view.getUint32(0, true), u53(view, 8), u53(view, 16), u53(view, 24)];
  return { number, id, offset, size, maxSize, populated };
}

export function draftEnd({ sequence, isBase, blocks, nextNumber, machineBytes }: StateEnd): Draft {
  const draft = new Draft(RecordType.end, END);
  draft.u53(sequence);
  draft.u53(machineBytes);
  draft.u32(blocks);
  draft.u32(isBase ? 1 : 0);
  draft.u32(nextNumber);
  return draft;
}

/** @throws SaveStateError */
export function readEnd(body: Uint8Array): StateEnd {
  const view = viewOf(body);
  const base = body.length === END ? view.getUint32(20, true) : 2;
  if (base > 1) throw malformed('an invalid record of the end of a state');
  const [blocks, nextNumber] = [view.getUint32(16, true), view.getUint32(24, true)];
  return { sequence: u53(view, 0), machineBytes: u53(view, 8), blocks, isBase: base === 1, nextNumber };
}

/** @returns records with a copy of the machine's state */
export function draftsOfMachine(state: Uint8Array): Draft[] {
  const drafts: Draft[] = [];
  for (let at = 0; at < state.length; at += MAX_BODY) {
    const piece = state.subarray(at, at + MAX_BODY);
    const draft = new Draft(RecordType.machine, piece.length);
    draft.put(piece);
    drafts.push(draft);
  }
  return drafts;
}

/**
 * Yields the runs of a record. Their contents refer to the body.
 * @throws SaveStateError when the last run is cut off
 */
export function* readRuns(body: Uint8Array): Generator<RamRun> {
  const view = viewOf(body);
  for (let at = 0; at < body.length; ) {
    if (at + RUN_HEAD > body.length) throw malformed('a run that is cut off');
    const [block, kind] = [view.getUint32(at, true), view.getUint32(at + 4, true)];
    const [offset, length] = [u53(view, at + 8), u53(view, at + 16)];
    at += RUN_HEAD;
    if (kind > 1 || length === 0 || (kind === 0 && length > body.length - at)) throw malformed('an invalid run');
    const contents = kind === 0 ? body.subarray(at, at + length) : undefined;
    yield { block, offset, length, contents };
    at += contents?.length ?? 0;
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

function u53(view: DataView, at: number): number {
  const value = view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
  if (!Number.isSafeInteger(value)) throw malformed('a number that is too large');
  return value;
}

function textOf(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw malformed('an id that is not UTF-8');
  }
}

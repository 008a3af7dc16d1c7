/** Finds the state of a chain to restore or to compact, and checks the chain up to it before anything of it is used. */
import { readBlock, readEnd, type StateEnd } from './entries.js';
import { digestOfPreface, HEAD, RecordType, readPreface } from './record.js';
import type { ChainEnd, ChainPlace, RecordReader } from './record-reader.js';
import { malformed, SaveStateError } from './save-state-error.js';
import { checkBlocks, MOST_BLOCKS, type NumberedBlock } from './saved-blocks.js';

/** How many parts of RAM blocks with memory a state may have. */
const MOST_RANGES = 2 ** 17;

/** Which state to look for, and which sizes to allow. */
export interface Sought {
  /** Default: the last state. */
  readonly sequence: number | undefined;
  readonly maxRamBytes: number;
  readonly maxStateBytes: number;
}

/** A complete state, for which all records before it are valid too. */
export interface WholeState {
  readonly pageSize: number;
  readonly sequence: number;
  readonly nextNumber: number;
  /** The place of the chain's first record. */
  readonly first: ChainPlace;
  /** The place behind the state. */
  readonly end: ChainPlace;
  /** The RAM blocks, in the order of their offsets. */
  readonly blocks: readonly NumberedBlock[];
  /** The state of the machine apart from its RAM. */
  readonly machine: Uint8Array;
  /** Why this state is the last one; undefined when it was asked for. */
  readonly because: ChainEnd | undefined;
}

/** @throws (rejects) SaveStateError; the signal's reason */
export async function findState(reader: RecordReader, sought: Sought): Promise<WholeState> {
  const preface = new Uint8Array(HEAD);
  const length = await reader.preface(preface);
  if (length < HEAD) {
    throw new SaveStateError(
      'missing',
      length === 0 ? 'the store is empty' : 'no whole state: the chain is cut off at its beginning',
    );
  }
  const pageSize = readPreface(preface);
  const first = { position: HEAD, digest: digestOfPreface(preface) };
  const { begin, end, last, because } = await scan(reader, first, sought);
  const { blocks, machine } = await readRest(reader, begin, end, last, sought);
  checkBlocks(blocks, pageSize, sought.maxRamBytes);
  const { sequence, nextNumber } = last;
  if (blocks.some(({ number }) => number >= nextNumber)) throw malformed('a RAM block whose number was never given');
  return { pageSize, sequence, nextNumber, first, end, blocks, machine, because };
}

/** The places between which the state lies in the chain, and its end record. */
interface Scanned {
  readonly begin: ChainPlace;
  readonly end: ChainPlace;
  readonly last: StateEnd;
  readonly because: ChainEnd | undefined;
}

async function scan(reader: RecordReader, first: ChainPlace, { sequence }: Sought): Promise<Scanned> {
  reader.seek(first);
  let found: Omit<Scanned, 'because'> | undefined;
  let begin = first;
  for (;;) {
    const type = await reader.next();
    if (typeof type === 'string') {
      const inMidst = type === 'complete' && reader.at.position > begin.position;
      return lastOf(found, sequence, inMidst ? 'cut' : type);
    }
    if (type !== RecordType.end) continue;
    const last = readEnd(await reader.body());
    if (last.isBase !== (found === undefined)) throw malformed('its first state is not a base, or a later one is');
    if (found !== undefined && last.sequence !== found.last.sequence + 1) {
      throw malformed(`state ${last.sequence} follows state ${found.last.sequence}`);
    }
    if (last.nextNumber < (found?.last.nextNumber ?? 0)) throw malformed('its next free block number has decreased');
    found = { begin, end: reader.at, last };
    begin = reader.at;
    if (last.sequence === sequence) return { ...found, because: undefined };
  }
}

function lastOf(found: Omit<Scanned, 'because'> | undefined, sequence: number | undefined, because: ChainEnd): Scanned {
  if (found !== undefined && sequence === undefined) return { ...found, because };
  const how = { complete: 'ends there', cut: 'is cut off behind it', damaged: 'is damaged behind it' }[because];
  if (found !== undefined) {
    const { last } = found;
    throw new SaveStateError('missing', `no state ${sequence}: the last is ${last.sequence}, and the chain ${how}`);
  }
  const what = { complete: 'the chain has none', cut: 'the first one is cut off', damaged: 'the first one is damaged' };
  throw new SaveStateError('missing', `no whole state: ${what[because]}`);
}

/** Reads the state except the contents of RAM. */
async function readRest(
  reader: RecordReader,
  begin: ChainPlace,
  end: ChainPlace,
  last: StateEnd,
  { maxStateBytes }: Sought,
): Promise<{ readonly blocks: NumberedBlock[]; readonly machine: Uint8Array }> {
  if (last.machineBytes > maxStateBytes) {
    const bytes = `a machine of ${last.machineBytes} bytes beside its RAM`;
    throw new SaveStateError('limit', `${bytes}; maxStateBytes is ${maxStateBytes}`);
  }
  if (last.blocks > MOST_BLOCKS) throw malformed(`more than ${MOST_BLOCKS} RAM blocks`);
  reader.seek(begin);
  const blocks: NumberedBlock[] = [];
  const pieces: Uint8Array[] = []; // an announced length alone must take no memory
  let machineBytes = 0;
  let ranges = 0;
  for (;;) {
    const type = await reader.again(end.position);
    if (type === undefined || type === RecordType.end) break;
    if (type === RecordType.ram) continue;
    const body = await reader.body();
    if (type === RecordType.machine) {
      machineBytes += body.length;
      if (machineBytes > last.machineBytes) break;
      pieces.push(body.slice());
    } else {
      const block = readBlock(body);
      ranges += block.populated.length;
      if (blocks.length === last.blocks || ranges > MOST_RANGES) throw malformed('too many RAM blocks or parts');
      blocks.push(block);
    }
  }
  if (blocks.length !== last.blocks || machineBytes !== last.machineBytes) {
    throw malformed(
      `${blocks.length} RAM blocks and ${machineBytes} bytes of the machine, not ${last.blocks} and ${last.machineBytes}`,
    );
  }
  const machine = new Uint8Array(machineBytes);
  for (let at = 0; pieces.length > 0; ) {
    const piece = pieces.shift() as Uint8Array;
    machine.set(piece, at);
    at += piece.length;
  }
  return { blocks, machine };
}

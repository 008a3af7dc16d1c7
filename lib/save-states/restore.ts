/** Restores a state: RAM, then the rest of the machine. */
import { checkMethods } from '../base/errors.js';
import { showId } from '../base/printable.js';
import { checkPageSize } from '../machine/checked-machine.js';
import type { ArrivingMachine } from '../machine/hooks.js';
import { wrongBytes } from '../machine/returned.js';
import { checkRestoreOptions, type RestoreOptions } from './options.js';
import { type ChainEnd, RecordReader } from './record-reader.js';
import { RestoredRam } from './restored-ram.js';
import { callHook, naming, SaveStateError } from './save-state-error.js';
import type { SavedBlock } from './saved-blocks.js';
import type { StateStore } from './stores/store.js';
import { findState, type WholeState } from './whole-state.js';

/** The machine to restore. An error that a hook throws ends `restore` with the reason `machine`. */
export interface RestoringMachine extends ArrivingMachine {
  /**
   * As `ArrivingMachine.plug`. `place.populated` also says which parts of the block had memory; the other parts stay
   * zero.
   */
  plug(block: SavedBlock): Uint8Array | Promise<Uint8Array>;
}

/** The result of `restore`. */
export interface Restored {
  /** The number of the state in its chain, from 0 on. */
  readonly sequence: number;
  /** The RAM blocks of the state, in the order of their offsets. */
  readonly blocks: readonly SavedBlock[];
  /**
   * Why this state was restored: the chain ends with it (`complete`); the next state is incomplete, for example because
   * a save was interrupted (`cut`); the bytes after it are damaged or belong to another chain (`damaged`); or the
   * options requested it (`asked`).
   */
  readonly end: ChainEnd | 'asked';
}

/**
 * Restores a state of a chain, by default the last complete one. Before anything is plugged, the chain is read from its
 * beginning to that state, and its digests are checked; they say nothing about who has written the chain. The machine's
 * hooks are called one at a time, `loadState` last. Besides the machine's own memory, it takes at most a few mebibytes
 * and `maxStateBytes`.
 * @throws (rejects) TypeError, RangeError for bad arguments; SaveStateError; the signal's reason
 */
export async function restore(
  machine: RestoringMachine,
  store: StateStore,
  options: RestoreOptions = {},
): Promise<Restored> {
  const operation = 'restore';
  const checked = checkRestoreOptions(operation, options);
  checkRestoring(operation, machine, store);
  return naming(operation, async () => {
    const reader = new RecordReader(store, checked.signal);
    const state = await findState(reader, checked);
    await restoreRam(machine, reader, state);
    await loadMachine(machine, state);
    return restoredOf(state);
  });
}

/** @throws TypeError, RangeError */
export function checkRestoring(operation: string, machine: RestoringMachine, store: StateStore): void {
  checkMethods(operation, 'machine', machine, ['plug', 'loadState']);
  checkPageSize(operation, machine.pageSize);
  checkStore(operation, store);
}

/** @throws TypeError */
export function checkStore(operation: string, store: StateStore): void {
  checkMethods(operation, 'store', store, ['read', 'append', 'replace']);
}

/** @throws (rejects) SaveStateError; the signal's reason */
export async function restoreRam(
  machine: RestoringMachine,
  reader: RecordReader,
  state: WholeState,
): Promise<RestoredRam> {
  const { pageSize, blocks } = state;
  if (machine.pageSize !== pageSize) {
    throw new SaveStateError('mismatch', `pages have ${pageSize} bytes in the state, and ${machine.pageSize} here`);
  }
  const ram = new RestoredRam(pageSize);
  for (const block of blocks) {
    const bytes: unknown = await callHook('plug', () => machine.plug(savedBlockOf(block)));
    const wrong = wrongBytes(`plug(${showId(block.id)})`, bytes, block.size);
    if (wrong !== undefined) throw new SaveStateError('machine', `${wrong.must}, got ${wrong.got}`);
    ram.add(block, bytes as Uint8Array);
  }
  await ram.fill(reader, state);
  return ram;
}

export async function loadMachine(machine: RestoringMachine, state: WholeState): Promise<void> {
  await callHook('loadState', () => machine.loadState(state.machine));
}

export function restoredOf({ sequence, blocks, because }: WholeState): Restored {
  return { sequence, blocks: blocks.map(savedBlockOf), end: because ?? 'asked' };
}

function savedBlockOf({ id, offset, size, maxSize, populated }: SavedBlock): SavedBlock {
  return { id, offset, size, maxSize, populated };
}

/**
 * A chain of save states, kept in a store. Its invariants:
 *
 * - SS-1. A page leaves `unsaved` only when a state that has it is kept by the store. A collection moves pages into
 *   `unsaved`, the copy reads them there, and a later failure leaves them there, for the next state. (Firecracker's
 *   #4545 lost them.)
 * - SS-2. A state is of one moment. Registers are saved first, as that may store into RAM. Then, in one step with
 *   every vCPU offline, what is dirty is collected and copied, and RAM is listed. Stores made before are in the copy: a
 *   vCPU stores OFFLINE to its slot after its stores to RAM, and the step has seen OFFLINE in every slot. The pages of
 *   stores made afterwards are dirty again.
 * - SS-3. `tip` is a place that the store has kept. What is written goes behind it, so a write that has failed is
 *   written over.
 */
import { UsageError } from '../base/errors.js';
import { MIGRATION } from '../dirty/client.js';
import type { PageSet } from '../dirty/page-set.js';
import { checkStoppable } from '../machine/checked-machine.js';
import type { StoppableMachine } from '../machine/hooks.js';
import { checkState } from '../machine/returned.js';
import type { Tracking } from '../tracking.js';
import { ChainRam, type RamCopy } from './chain-ram.js';
import { compacted } from './compaction.js';
import { draftBlock, draftEnd, draftsOfMachine } from './entries.js';
import {
  type BeginOptions,
  type CheckedChain,
  type CheckedRestore,
  type ContinueOptions,
  checkBeginOptions,
  checkContinueOptions,
  checkSaveOptions,
  type SaveOptions,
} from './options.js';
import type { Draft } from './record.js';
import { type ChainPlace, RecordReader } from './record-reader.js';
import {
  checkRestoring,
  checkStore,
  loadMachine,
  type Restored,
  type RestoringMachine,
  restoredOf,
  restoreRam,
} from './restore.js';
import { callHook, naming, SaveStateError } from './save-state-error.js';
import { checkSameRam } from './saved-blocks.js';
import { appendTo, replaceIn } from './sealed.js';
import type { StateStore } from './stores/store.js';
import { findState, type WholeState } from './whole-state.js';

/** How often RAM may come or go while a machine saves its state. */
const MOST_TRIES = 64;

/** A state that the store has kept. */
export interface SavedState {
  /** The number of the state in its chain, from 0 on. */
  readonly sequence: number;
  /** How many pages were dirty. */
  readonly pages: number;
  /** How many bytes were written. */
  readonly bytes: number;
  /** How long the machine was paused, in milliseconds, not counting `pause` and `resume` themselves. */
  readonly pausedMs: number;
}

/** The last state that the store has kept. */
interface Tip extends ChainPlace {
  readonly sequence: number;
}

/**
 * Begins a chain of states of a machine. The chain is a user of MIGRATION with a dirty set of its own: others collect
 * beside it, and nobody misses a page. Its first state has all RAM. With `overwrite` the first state replaces what the
 * store has; the old contents stay until that state is whole.
 * @throws (rejects) TypeError, RangeError for bad arguments; UsageError unless the engine is open, and without
 *   `overwrite` where the store has something in it; SaveStateError when the store cannot be read; as
 *   `DirtyMemory.track`
 */
export async function beginChain(
  machine: StoppableMachine,
  store: StateStore,
  options: BeginOptions = {},
): Promise<StateChain> {
  const operation = 'beginChain';
  const { compress, name, wait, overwrite } = checkBeginOptions(operation, options);
  checkStoppable(operation, machine);
  checkStore(operation, store);
  const reader = new RecordReader(store, wait.signal);
  if (!overwrite && (await naming(operation, () => reader.preface(new Uint8Array(1)))) > 0) {
    const ways = 'continueChain goes on with a chain, and { overwrite: true } begins anew in its place';
    throw new UsageError(`${operation}: the store has something in it: ${ways}`);
  }
  const tracking = await machine.memory.track(MIGRATION, { name, ...wait });
  return new StateChain({ machine, store, compress, tracking });
}

/**
 * Restores the last whole state of a chain, or the state that is asked for, and goes on with the chain behind that
 * state: what follows it there is written over. Call this before the machine runs, with every vCPU offline or not yet
 * attached. What is stored to RAM before the promise resolves is in no state, except what is marked in `loadState`. The
 * machine's `plug` plugs the block into the engine, too.
 * @throws (rejects) as `restore` and `beginChain`. Where RAM is not that of the state, the message names what differs
 */
export async function continueChain(
  machine: StoppableMachine & RestoringMachine,
  store: StateStore,
  options: ContinueOptions = {},
): Promise<StateChain> {
  const operation = 'continueChain';
  const { chain, restore } = checkContinueOptions(operation, options);
  checkStoppable(operation, machine);
  checkRestoring(operation, machine, store);
  machine.memory.rcu.checkStopped(operation, 'until continueChain has resolved');
  return naming(operation, () => goOn(machine, store, chain, restore));
}

/** @throws (rejects) as `continueChain` */
async function goOn(
  machine: StoppableMachine & RestoringMachine,
  store: StateStore,
  chain: CheckedChain,
  restore: CheckedRestore,
): Promise<StateChain> {
  const reader = new RecordReader(store, restore.signal);
  const state = await findState(reader, restore);
  const ram = await restoreRam(machine, reader, state);
  const { memory } = machine;
  const tracking = await memory.track(MIGRATION, { name: chain.name, ...chain.wait });
  try {
    checkSameRam(state.blocks, memory.ram);
    tracking.whileStopped.harvest().set.dispose(); // RAM is now as it is in the chain
    const going = new StateChain({ machine, store, compress: chain.compress, tracking }, state);
    going.ram.adopt(ram.blocks, state.nextNumber);
    await loadMachine(machine, state);
    return going;
  } catch (error) {
    await tracking.stop();
    throw error;
  }
}

/** What a chain works with. */
interface ChainParts {
  readonly machine: StoppableMachine;
  readonly store: StateStore;
  readonly compress: boolean;
  readonly tracking: Tracking;
}

/** A copy of the machine. */
interface Copy {
  readonly ram: RamCopy;
  readonly machine: Draft[];
  readonly machineBytes: number;
  readonly pausedMs: number;
}

/** A chain of states of a machine. Only the owner's thread may use it, for one save or compaction at a time. */
export class StateChain {
  /** The state that `continueChain` has restored; undefined for a chain of `beginChain`. */
  readonly restored: Restored | undefined;
  /** @internal */
  readonly ram: ChainRam;
  private readonly parts: ChainParts;
  private tip: Tip | undefined;
  /** Pages that were collected and are in no state yet. */
  private unsaved: PageSet | undefined;
  /** The save or compaction that is under way. */
  private working: Promise<unknown> | undefined;
  /** Is, or was, that a save? */
  private saving = false;
  private stopping: Promise<void> | undefined;

  /** @internal Embedders call `beginChain` and `continueChain`. */
  constructor(parts: ChainParts, state?: WholeState) {
    this.parts = parts;
    this.ram = new ChainRam(parts.machine);
    this.restored = state && restoredOf(state);
    this.tip = state && { ...state.end, sequence: state.sequence };
  }

  /** The length in bytes of the whole chain in its store, which a compaction would reduce. */
  get bytes(): number {
    return this.tip?.position ?? 0;
  }

  /**
   * Saves a state. The machine is paused while `saveState` runs and dirty pages are copied; it runs again while the
   * copy is written. So a save takes as much memory as there are dirty pages, without pages that were never written to.
   * @throws (rejects) SaveStateError, the signal's reason; UsageError when `pause` has left vCPUs online (the message
   *   names them), during another save, and when the chain was stopped or the engine closed. After a rejection the
   *   machine runs, no state was added, and the next state contains the pages
   */
  async save(options: SaveOptions = {}): Promise<SavedState> {
    const { signal } = checkSaveOptions('save', options);
    return this.alone('save', () => this.saveNow(signal));
  }

  /**
   * Replaces the chain by a chain that contains only the last state. Earlier states take room in the store, and time
   * when the last state is restored. The machine runs meanwhile. The store keeps the old chain until the new chain is
   * complete.
   * @throws (rejects) SaveStateError, also when there is no state yet; the signal's reason; UsageError as `save`. After
   *   a rejection the chain is unchanged
   */
  async compact(options: SaveOptions = {}): Promise<void> {
    const { signal } = checkSaveOptions('compact', options);
    return this.alone('compact', () => this.compactNow(signal));
  }

  /** Ends the tracking, after any save under way. The store stays as it is. A second call returns the same promise. */
  stop(): Promise<void> {
    this.stopping ??= this.stopNow().catch((error) => {
      this.stopping = undefined;
      throw error;
    });
    return this.stopping;
  }

  /** Calls `stop`, for `await using` declarations. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  private async saveNow(signal: AbortSignal | undefined): Promise<SavedState> {
    signal?.throwIfAborted();
    const { machine, store, compress } = this.parts;
    const copy = await this.copyPaused(signal);
    const { ram, machineBytes, pausedMs } = copy;
    const { tip } = this;
    const sequence = tip === undefined ? 0 : tip.sequence + 1;
    const { blocks, nextNumber } = ram;
    const end = { sequence, isBase: tip === undefined, blocks: blocks.length, nextNumber, machineBytes };
    const drafts = [...ram.drafts, ...blocks.map(draftBlock), ...copy.machine, draftEnd(end)];
    const writing = { compress, signal };
    const place =
      tip === undefined
        ? await replaceIn(store, machine.memory.pageSize, drafts, writing)
        : await appendTo(store, tip, drafts, writing);
    this.tip = { ...place, sequence };
    this.ram.commit(ram);
    this.unsaved?.dispose();
    this.unsaved = undefined;
    return { sequence, pages: ram.pages, bytes: place.position - (tip?.position ?? 0), pausedMs };
  }

  private async copyPaused(signal: AbortSignal | undefined): Promise<Copy> {
    const { machine } = this.parts;
    try {
      await callHook('pause', () => machine.pause());
      const began = performance.now();
      const copy = await this.copy(signal);
      return { ...copy, pausedMs: performance.now() - began };
    } finally {
      await callHook('resume', () => machine.resume());
    }
  }

  /** Has the machine save its state again if RAM comes or goes meanwhile, so that the state fits the RAM. */
  private async copy(signal: AbortSignal | undefined): Promise<Omit<Copy, 'pausedMs'>> {
    const { machine, tracking } = this.parts;
    const { memory } = machine;
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const before = [...memory.ram];
      const state = await callHook('saveState', async () => checkState(await machine.saveState()));
      signal?.throwIfAborted();
      const now = [...memory.ram];
      if (now.length !== before.length || now.some((block, i) => block !== before[i])) continue;
      memory.rcu.checkStopped('save', "once the machine's pause has resolved");
      this.unsaved ??= memory.createPageSet();
      tracking.whileStopped.harvestFor('save', { into: this.unsaved });
      return { ram: this.ram.copy(this.unsaved), machine: draftsOfMachine(state), machineBytes: state.length };
    }
    throw new SaveStateError('machine', `RAM came or went ${MOST_TRIES} times while the machine was paused`);
  }

  private async compactNow(signal: AbortSignal | undefined): Promise<void> {
    const { store, compress } = this.parts;
    const { tip } = this;
    if (tip === undefined) throw new SaveStateError('missing', 'there is no state yet; call save first');
    const { sequence } = tip;
    const reader = new RecordReader(store, signal);
    const state = await findState(reader, { sequence, maxRamBytes: Infinity, maxStateBytes: Infinity });
    const drafts = compacted(reader, state);
    this.tip = { ...(await replaceIn(store, state.pageSize, drafts, { compress, signal })), sequence };
  }

  private async alone<T>(operation: string, body: () => Promise<T>): Promise<T> {
    if (this.stopping !== undefined)
      throw new UsageError(`${operation}: the chain was stopped; go on with its store by continueChain`);
    this.parts.machine.memory.rcu.lifecycle.check(operation);
    if (this.working !== undefined) {
      const what = this.saving ? 'a save' : 'a compaction';
      throw new UsageError(`${operation}: ${what} of this chain is under way; await its promise before the next call`);
    }
    const working = naming(operation, body);
    this.saving = operation === 'save';
    this.working = working.catch(() => {});
    try {
      return await working;
    } finally {
      this.working = undefined;
    }
  }

  private async stopNow(): Promise<void> {
    await this.working;
    this.unsaved?.dispose();
    this.unsaved = undefined;
    await this.parts.tracking.stop();
  }
}

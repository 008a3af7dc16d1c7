/**
 * The place of an engine in a memory, and how successive engines, of any threads, take the place over from each other.
 * `Header.Magic` says whether an engine lives there or is being created; `Header.Closed` says how far its end has come.
 *
 * GP-5, between engines: only the readers and the owner of an engine ever write to the engine, however late a thread
 * comes that holds the handle of an engine that lived in the same place before.
 *
 * - A creating thread first swaps `CREATING` into the magic word: of two threads one wins. It goes on only if the owner
 *   of the previous engine has left (`LEFT` is the owner's last store) and all its readers have left. It stores `MAGIC`
 *   after the rest of the header, so that whoever finds `MAGIC` finds the new engine's `Closed` too.
 * - A free slot holds the vacant value of its engine (`vacantOf`). A reader claims the slot by a compare-and-swap that
 *   expects exactly this value. Creation swaps 0 for the vacant value in each slot, and is refused when a slot holds
 *   anything else, since a reader is still attached then. Both swaps expect the same value of the same word, so one of
 *   them wins. If the claim wins, no engine is created while the claimant stays. If creation wins, the vacant value has
 *   gone from the word and does not come back: an engine never has the id of the engine before it, identities are
 *   positive, and creation leaves 0. So a late claim changes nothing, even years late. The claim may also meet the
 *   plain stores of a creation; none of them stores the value that the claim expects.
 * - A reader's last store to the engine frees its slot, and the owner's last store is `LEFT`; creation reads both.
 *
 * This is certain as long as the word is a slot of each later engine. When a later engine has fewer slots, or begins at
 * another byte, or the bytes serve something else, the late swap finds some other word. It succeeds if this word holds,
 * at that moment, the one number of 2^31 that was drawn when the first engine of the place was created.
 */
import { outOfRange, UsageError } from '../base/errors.js';
import { CREATING, Header, LEFT, LINE, MAGIC, Slot, Slots, vacantOf } from './layout.js';
import { Words } from './words.js';

/** How far from the new engine's first byte creation looks for engines of other threads. */
const LOOK_BYTES = 2 ** 20;
const LAST_ID = 2 ** 31 - 1;

/** A place that was taken for a new engine. */
export interface Place {
  /** The new engine's id. */
  readonly engineId: number;
  /** The owner's last store: another engine may be created here. */
  leave(): void;
}

interface Region {
  readonly end: number;
  open: boolean;
}

/** The regions in which this thread's engines live or lived last, by memory and first byte. */
const known = new WeakMap<WebAssembly.Memory, Map<number, Region>>();

/**
 * 'fresh': the memory was made for the new engine, so nothing else can live there. 'embedder': it is the embedder's.
 */
export type Origin = 'fresh' | 'embedder';

/**
 * Takes bytes of a memory for a new engine. Until `Header.Magic` is stored nobody else can attach or create there.
 * @throws RangeError, with nothing changed, when an engine lives in some of the bytes, or a reader of a closed engine
 *   is still attached there
 */
export function takePlace(
  operation: string,
  memory: WebAssembly.Memory,
  first: number,
  bytes: number,
  origin: Origin,
): Place {
  const regions = known.get(memory) ?? new Map<number, Region>();
  known.set(memory, regions);
  const end = first + bytes;
  const vacated: { words: Words; engineId: number }[] = [];
  let engineId: number;
  try {
    for (const at of origin === 'fresh' ? [] : neighbours(operation, memory, regions, first, end)) {
      const words = wordsFrom(memory, at);
      vacated.push({ words, engineId: vacate(operation, words, at) });
    }
    engineId = seize(operation, wordsFrom(memory, first), first);
  } catch (error) {
    for (const { words, engineId } of vacated) giveBack(words, engineId, slotsOf(words));
    throw error;
  }
  for (const { words } of vacated) {
    words.store(Header.EngineId, 0);
    words.store(Header.Magic, 0);
  }
  const region = { end, open: true };
  regions.set(first, region);
  const leave = (): void => {
    // ORDER GP-5: every other store of the owner precedes this one (release), else it lands in the next engine
    //   (corruption).
    // pairs with: arena/place.ts vacate
    wordsFrom(memory, first).store(Header.Closed, LEFT);
    region.open = false;
  };
  return { engineId, leave };
}

/**
 * Repairs a place in which a thread has died while it was creating an engine. If the creation had overwritten nothing
 * yet, the previous engine is there again. If only the publication was missing, the new engine lives there now.
 * Otherwise no engine does.
 * @returns true when a creation was undone, so that no engine lives there
 */
export function settleCreation(memory: WebAssembly.Memory, at: number): boolean {
  const words = wordsFrom(memory, at);
  if (words.load(Header.Magic) !== CREATING) return false;
  const whole = hasValidChecksum(words);
  words.store(Header.Magic, whole ? MAGIC : 0);
  return !whole;
}

/**
 * The checksum of the words up to `EngineId`, with `MAGIC` for the first. Each step is invertible, so that every change
 * of a single word changes the sum.
 */
export function checksumOf(words: Words): number {
  let sum = 0;
  for (let word: number = Header.Magic; word <= Header.EngineId; word++) {
    sum = Math.imul(sum ^ (word === Header.Magic ? MAGIC : words.get(word)), 0x9e3779b1);
    sum ^= sum >>> 15;
  }
  return sum;
}

/** Takes the place that begins at the new engine's first byte. @returns the new engine's id */
function seize(operation: string, words: Words, at: number): number {
  const found = words.load(Header.Magic);
  if (found === MAGIC) return (vacate(operation, words, at) % LAST_ID) + 1;
  if (found === CREATING || words.compareExchange(Header.Magic, found, CREATING) !== found) throw busy(operation, at);
  return 1 + Math.floor(Math.random() * LAST_ID);
}

/** Takes the place of a closed engine to which no reader is attached any more. @returns that engine's id */
function vacate(operation: string, words: Words, at: number): number {
  // ORDER GP-5: of two threads that create here one wins, and what it reads is no older than the magic (acquire).
  // needs: atomicity of the read-modify-write; acquire
  // pairs with: arena/arena.ts create
  if (words.compareExchange(Header.Magic, MAGIC, CREATING) !== MAGIC) throw busy(operation, at);
  if (words.load(Header.Closed) !== LEFT) {
    words.store(Header.Magic, MAGIC);
    throw new RangeError(
      `${operation}: an engine that is not closed lives at byteOffset ${at} already; close it or, ` +
        'where the thread that created it has ended, call DirtyMemory.reclaim',
    );
  }
  // Plain reads: the load of `LEFT` orders the whole life of that engine before them.
  const engineId = words.get(Header.EngineId);
  const slots = slotsOf(words);
  for (let i = 0; i < slots; i++) {
    // ORDER GP-5: the creator's half of the race for a slot. Either this swap finds the claimant, or the claimant no
    //   longer finds the vacant value; else a reader would hold a slot of an engine that it knows nothing of
    //   (corruption). The swap also makes the last tenant's accesses happen before all stores of the creation
    //   (acquire).
    // needs: atomicity of the read-modify-write; acquire
    // pairs with: rcu/registry.ts claimSlot, freeSlot; arena/place.ts leave; reclaim.ts reclaim
    const found = words.compareExchange(identityWord(i), vacantOf(engineId), 0);
    if (found === vacantOf(engineId) || found === 0) continue; // 0 is left by a creation whose thread died
    giveBack(words, engineId, i);
    throw new RangeError(
      `${operation}: a reader of the closed engine at byteOffset ${at} is still attached (identity ${Math.abs(found) - 1}); ` +
        'have it detach or, where its thread has ended, retire it with the engine, or with DirtyMemory.reclaim',
    );
  }
  return engineId;
}

/** Undoes a `vacate` that has swapped the first `slots` slots. */
function giveBack(words: Words, engineId: number, slots: number): void {
  for (let i = 0; i < slots; i++) words.store(identityWord(i), vacantOf(engineId));
  words.store(Header.Magic, MAGIC);
}

/**
 * @returns the first bytes of other engines whose bytes overlap those of the new engine
 * @throws RangeError when one of them is an open engine of this thread
 */
function neighbours(
  operation: string,
  memory: WebAssembly.Memory,
  regions: ReadonlyMap<number, Region>,
  first: number,
  end: number,
): Set<number> {
  const found = new Set<number>();
  for (const [at, region] of regions) {
    if (at === first || region.end <= first || end <= at) continue;
    if (region.open) {
      throw outOfRange(
        operation,
        'byteOffset',
        first,
        `clear of the engine that lives in bytes ${at} to ${region.end}`,
      );
    }
    if (reachesTo(memory, at) > first) found.add(at);
  }
  const low = Math.max(0, first - LOOK_BYTES);
  const words = new Words(memory.buffer, low, (Math.min(end, first + LOOK_BYTES) - low) / 4);
  for (let word = 0; word < words.length; word += LINE) {
    const at = low + word * 4;
    // A plain read: it may miss an engine that another thread is creating at this moment.
    if (isEngine(words.get(word)) && at !== first && reachesTo(memory, at) > first) found.add(at);
  }
  return found;
}

/**
 * Is one there, or has one been there that a thread is replacing? The latter counts, since that thread may yet find a
 * reader attached and give the place back, or may have died before it looked.
 */
function isEngine(magic: number): boolean {
  return magic === MAGIC || magic === CREATING;
}

/** @returns the end of the engine that begins at the byte; 0 if no engine begins there */
function reachesTo(memory: WebAssembly.Memory, at: number): number {
  const words = wordsFrom(memory, at);
  return isEngine(words.get(Header.Magic)) && hasValidChecksum(words) ? at + words.get(Header.Length) * 4 : 0;
}

function hasValidChecksum(words: Words): boolean {
  return words.get(Header.Checksum) === checksumOf(words);
}

function busy(operation: string, at: number): UsageError {
  return new UsageError(
    `${operation}: another thread is creating an engine at byteOffset ${at}; ` +
      'where that thread has ended meanwhile, call DirtyMemory.reclaim',
  );
}

/** @returns how many slots the engine has: no more than fit in the memory, whatever its header says */
function slotsOf(words: Words): number {
  return Math.min(words.get(Header.MaxReaders), (words.length - Slots.first) / Slots.size);
}

function identityWord(index: number): number {
  return Slots.first + index * Slots.size + Slot.Identity;
}

function wordsFrom(memory: WebAssembly.Memory, at: number): Words {
  return new Words(memory.buffer, at);
}

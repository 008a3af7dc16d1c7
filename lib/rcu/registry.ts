/**
 * The reader registry: which slots are taken, by whom, and how the owner takes back the slots of dead threads.
 *
 * A slot is claimed by a compare-and-swap on its identity word, and belongs to the tenant alone until that word has the
 * vacant value of the engine again (GP-5). The value differs from engine to engine, so that a claim never lands in
 * another engine that lives in the same memory by then (arena/place.ts). Only the tenant's thread stores to `State`,
 * with one exception: `retire`, whose caller guarantees that the thread is gone, so that the thread can no longer store
 * anything. `retire` takes an identity and not a slot, because a slot whose tenant left by itself may have its next
 * tenant already. It takes a slot only when the identity itself was overwritten.
 */
import { type Arena, replaced } from '../arena/arena.js';
import { CREATING, Header, Meter, meterOf, NAME_BYTES, NAME_WORDS, Slot, Slots, vacantOf } from '../arena/layout.js';
import { countOf } from '../arena/meter.js';
import { outOfRange, type ReaderReport, UNKNOWN_IDENTITY, UsageError } from '../base/errors.js';
import { findLocalReader } from './local-readers.js';
import { OFFLINE } from './sequence.js';

/** Does the engine of this arena, open or closed, still live in the memory, and no other engine? */
export function isInPlace(arena: Arena): boolean {
  return arena.words.load(Header.EngineId) === arena.engineId;
}

/**
 * Any thread may claim a slot for itself.
 * @returns the word index of the slot
 * @throws RangeError when the name is too long or no slot is free; UsageError when another engine lives there by now
 */
export function claimSlot(arena: Arena, identity: number, name: string): number {
  const { words, geometry } = arena;
  const bytes = new TextEncoder().encode(name);
  if (bytes.length > NAME_BYTES) throw outOfRange('attachVcpu', 'name', name, `at most ${NAME_BYTES} bytes of UTF-8`);
  const vacant = vacantOf(arena.engineId);
  for (let i = 0; i < geometry.maxReaders; i++) {
    const slot = Slots.first + i * Slots.size;
    // ORDER GP-5: the claimants, and a thread that creates another engine here, compete for the slot, and exactly one
    //   of them wins. Only a read-modify-write can decide this. Because it expects this engine's vacant value, a late
    //   claimant stays out of the next engine (else corruption). It also carries GP-6 from the last tenant's accesses
    //   to a thread that sees our state and never saw that tenant's OFFLINE (acquire).
    // pairs with: rcu/registry.ts freeSlot; arena/place.ts vacate
    if (words.compareExchange(slot + Slot.Identity, vacant, identity + 1) !== vacant) continue;
    try {
      moveIn(arena, slot, bytes);
    } catch (error) {
      freeSlot(arena, slot); // the thread's stack is full
      throw error;
    }
    return slot;
  }
  if (words.load(Header.Closed) !== 0) throw new UsageError('attachVcpu: the engine was closed meanwhile');
  if (!isInPlace(arena)) throw replaced('attachVcpu');
  throw outOfRange(
    'attachVcpu',
    'readers',
    geometry.maxReaders + 1,
    `at most maxReaders = ${geometry.maxReaders} at once`,
    `attached are ${describeTenants(arena)}. A slot is freed when its reader detaches, or when the owner retires a reader ` +
      'whose thread has ended; supervise does so when it learns of the end',
  );
}

/** How many readers a message names at most. */
const MOST_NAMED = 8;

/** Names all tenants, including those whose threads were killed while they were leaving. */
function describeTenants(arena: Arena): string {
  const tenants: string[] = [];
  for (let i = 0; i < arena.geometry.maxReaders; i++) {
    const slot = Slots.first + i * Slots.size;
    const tenant = arena.words.load(slot + Slot.Identity);
    if (tenant > 0) tenants.push(`'${readName(arena, slot)}' (identity ${tenant - 1})`);
  }
  const more = tenants.length - MOST_NAMED;
  return tenants.slice(0, MOST_NAMED).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

function moveIn({ words }: Arena, slot: number, name: Uint8Array): void {
  // ORDER DL-2: this store comes after the claim (store-store). Else the owner finds the last tenant there, not
  //   leaving, and sets a limit for that tenant, which we would inherit.
  // pairs with: rate/limits.ts set
  words.store(slot + Slot.Leaving, 0);
  // Plain stores suffice: the slot is ours, and the owner reads the name only for reports, which may show a mixture of
  // two names.
  for (let w = 0; w < NAME_WORDS; w++) {
    let packed = 0;
    for (let b = 0; b < 4; b++) packed |= (name[w * 4 + b] ?? 0) << (b * 8);
    words.set(slot + Slot.Name + w, packed);
  }
}

/** Called by the tenant, or by the owner for a tenant whose thread is gone. */
export function freeSlot(arena: Arena, slot: number): void {
  const { words } = arena;
  const meter = meterOf(arena.regions, slot);
  words.store(slot + Slot.State, OFFLINE);
  words.store(slot + Slot.Kick, 0);
  // A plain store suffices: the store that frees the slot orders it. So a thread that sees the next tenant's identity
  // also sees where that tenant's count begins.
  words.set(meter + Meter.Before, countOf(words, meter));
  // ORDER DL-2: `Leaving` is set before the limit is removed. Else the owner may set another limit after that and find
  //   the tenant still there, and the slot's next tenant inherits this limit (a vCPU sleeps for a limit nobody set for
  //   it).
  // needs: store-store order, and store-load order on the owner's side
  // pairs with: rate/limits.ts set
  words.store(slot + Slot.Leaving, 1);
  words.store(meter + Meter.Limit, 0);
  // ORDER GP-5: the slot becomes offline before it becomes free, and the store that frees it is the last of all. Else
  //   our OFFLINE could erase what the next tenant has stored, and a grace period would not wait for that tenant; and
  //   any later store could land in the next engine in this memory (corruption).
  // pairs with: rcu/registry.ts claimSlot; arena/place.ts vacate
  words.store(slot + Slot.Identity, vacantOf(arena.engineId));
}

/**
 * Only for the owner. Frees every slot of a thread that is gone. This works after the engine's end, too, as long as no
 * other engine lives in its memory; after that the words are no longer slots of this engine.
 * @returns how many slots the thread had
 */
export function retireIdentity(arena: Arena, identity: number): number {
  let retired = 0;
  for (let i = 0; i < arena.geometry.maxReaders; i++) {
    const slot = Slots.first + i * Slots.size;
    if (arena.words.load(slot + Slot.Identity) !== identity + 1) continue;
    // If this engine is still in place after the load of the identity (load-load), the tenant is a tenant of this
    // engine. As long as the engine has a tenant, no other engine is created here; and an engine that was created
    // before the load had changed the id before it.
    if (!isInPlace(arena)) return 0;
    freeSlot(arena, slot);
    retired++;
  }
  return retired;
}

/**
 * Only for the owner. Frees the slot of a thread that is gone and whose identity was overwritten.
 * @returns how many readers were retired: 0 when the slot is free
 * @throws UsageError when the identity of the slot's tenant is known
 */
export function retireSlot(arena: Arena, position: number): number {
  const reader = reportReader(arena, position);
  // Both loads come after that of the identity, as in `retireIdentity`: what looks like an overwritten identity may be
  // of another engine, or the 0 of a thread that is creating one (arena/place.ts).
  if (reader === undefined || arena.words.load(Header.Magic) === CREATING || !isInPlace(arena)) return 0;
  const { name, identity } = reader;
  if (identity !== UNKNOWN_IDENTITY) {
    throw new UsageError(
      `retire: slot ${position} belongs to reader '${name}'; retire it by its identity, ${identity}`,
    );
  }
  freeSlot(arena, Slots.first + position * Slots.size);
  return 1;
}

/**
 * Owner. Reports on the readers for which `wanted` holds. If the engine is closed, only while it is in place: slots
 * may be another engine's by then. If open, whatever its id in the arena says: the id may be overwritten while waits
 * are held up.
 */
export function reportReaders(arena: Arena, wanted: (slot: number) => boolean = () => true): ReaderReport[] {
  const reports: ReaderReport[] = [];
  for (let i = 0; i < arena.geometry.maxReaders; i++) {
    if (!wanted(Slots.first + i * Slots.size)) continue;
    const report = reportReader(arena, i);
    if (report !== undefined) reports.push(report);
  }
  return reports;
}

/**
 * Only for the owner. The identity word is above 0, or the engine's vacant value; any other value means that something
 * has overwritten it.
 * @returns undefined when the slot at this position is free, or its tenant is leaving and already offline
 */
export function reportReader(arena: Arena, position: number): ReaderReport | undefined {
  const { words } = arena;
  const slot = Slots.first + position * Slots.size;
  const tenant = words.load(slot + Slot.Identity);
  if (tenant === vacantOf(arena.engineId)) return undefined;
  const online = words.load(slot + Slot.State) !== OFFLINE;
  if (tenant > 0 && !online && words.load(slot + Slot.Leaving) !== 0) return undefined;
  return {
    name: readName(arena, slot),
    identity: tenant > 0 ? tenant - 1 : UNKNOWN_IDENTITY,
    slot: position,
    online,
    local: findLocalReader(arena, (reader) => reader.slot === slot) !== undefined,
  };
}

function readName(arena: Arena, slot: number): string {
  const bytes = new Uint8Array(NAME_BYTES);
  for (let i = 0; i < NAME_BYTES; i++) bytes[i] = arena.words.get(slot + Slot.Name + (i >>> 2)) >>> ((i & 3) * 8);
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}

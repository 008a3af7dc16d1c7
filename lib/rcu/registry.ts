/**
 * The reader registry: which slots are taken, by whom, and how the owner takes back those of the dead.
 *
 * A slot is claimed by a compare-and-swap on its identity word, and is the tenant's alone until that word has the vacant
 * value of the engine again (GP-5). The value differs from engine to engine, so that a claim never lands in another engine
 * that lives in the same memory by then (arena/place.ts). The tenant's thread is the only one that stores to `State`,
 * with one exception: `retire`, whose caller vouches that the thread is gone, so that no store of its can follow.
 * Retirement goes by identity, not by slot: a slot whose tenant left by itself may have its next tenant already. Only when
 * the identity itself was written over is there nothing else to go by.
 */
import { type Arena, replaced } from '../arena/arena.js';
import { Header, Meter, meterOf, NAME_BYTES, NAME_WORDS, Slot, Slots, vacantOf } from '../arena/layout.js';
import { countOf } from '../arena/meter.js';
import { outOfRange, type ReaderReport, UNKNOWN_IDENTITY, UsageError } from '../base/errors.js';
import { findLocalReader } from './local-readers.js';
import { OFFLINE } from './sequence.js';

/** Is the engine that was attached to, open or closed, still the one that lives in the memory? */
export function isInPlace(arena: Arena): boolean {
  return arena.words.load(Header.EngineId) === arena.engineId;
}

/**
 * Any thread, for itself.
 * @returns word index of the slot
 * @throws RangeError when the name is too long or no slot is free, UsageError when another engine lives there by now
 */
export function claimSlot(arena: Arena, identity: number, name: string): number {
  const { words, geometry } = arena;
  const bytes = new TextEncoder().encode(name);
  if (bytes.length > NAME_BYTES) throw outOfRange('attachVcpu', 'name', name, `at most ${NAME_BYTES} bytes of UTF-8`);
  const vacant = vacantOf(arena.engineId);
  for (let i = 0; i < geometry.maxReaders; i++) {
    const slot = Slots.first + i * Slots.size;
    // ORDER GP-5: of the claimants, and whoever creates another engine here, one wins the slot; only the
    //   read-modify-write can tell, and only that it expects this engine's vacant value keeps a late one out of the next
    //   engine (corruption). It also carries GP-6 from the last tenant's accesses to whoever sees our state and
    //   never saw that tenant's OFFLINE (acquire).
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

/** How many readers a message names. */
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
  // ORDER DL-2: after the claim (store-store), else the owner finds the last tenant there, not leaving, and sets it a
  //   limit that is ours then.
  // pairs with: rate/limits.ts set
  words.store(slot + Slot.Leaving, 0);
  // Plain: the slot is ours, and the owner only reads the name for a report, which may show a mixture of two names.
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
  // Plain: the store that frees the slot orders it, so that whoever sees the next tenant's identity sees what is its own.
  words.set(meter + Meter.Before, countOf(words, meter));
  // ORDER DL-2: the tenant is leaving before its limit is taken away, else the owner sets another one after that, finds
  //   the tenant still there, and the slot's next tenant inherits it (a vCPU that sleeps for a limit nobody set for it).
  // needs: store-store order, and store-load order on the owner's side
  // pairs with: rate/limits.ts set
  words.store(slot + Slot.Leaving, 1);
  words.store(meter + Meter.Limit, 0);
  // ORDER GP-5: offline first, free second, and free last of all. Our OFFLINE could erase what the next tenant has stored,
  //   and a grace period would pass it by; any later store could land in the next engine in this memory (corruption).
  // pairs with: rcu/registry.ts claimSlot; arena/place.ts vacate
  words.store(slot + Slot.Identity, vacantOf(arena.engineId));
}

/**
 * Owner. Frees every slot of a thread that is gone. After the engine's end, too, as long as no other engine lives in its
 * memory, whose words these slots are then not. @returns how many it had
 */
export function retireIdentity(arena: Arena, identity: number): number {
  let retired = 0;
  for (let i = 0; i < arena.geometry.maxReaders; i++) {
    const slot = Slots.first + i * Slots.size;
    if (arena.words.load(slot + Slot.Identity) !== identity + 1) continue;
    // The tenant is of this engine if the engine is in place after the look (load-load): as long as it has a tenant, no
    // other engine is created here; and one that was created before the look has changed the id before.
    if (!isInPlace(arena)) return 0;
    freeSlot(arena, slot);
    retired++;
  }
  return retired;
}

/**
 * Owner. Frees the slot of a thread that is gone and whose identity was written over.
 * @returns how many readers that were: none when it is free. @throws UsageError when its tenant's identity is known
 */
export function retireSlot(arena: Arena, position: number): number {
  const reader = isInPlace(arena) ? reportReader(arena, position) : undefined;
  if (reader === undefined) return 0;
  const { name, identity } = reader;
  if (identity !== UNKNOWN_IDENTITY) {
    throw new UsageError(`retire: slot ${position} is of reader '${name}'; retire it by its identity, ${identity}`);
  }
  freeSlot(arena, Slots.first + position * Slots.size);
  return 1;
}

/**
 * Owner. Reports on the readers for which `wanted` holds. If the engine is closed, only while it is in place: slots may be
 * another engine's by then. If open, whatever its id in the arena says: the id may be overwritten while waits are held up.
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
 * Owner. An identity is above 0, or the engine's vacant value; anything else was written by somebody who had no business
 * there. @returns undefined when the slot at that position is free, or its tenant is leaving, which is offline by then
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

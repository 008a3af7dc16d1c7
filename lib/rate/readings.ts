/**
 * How the owner reads the counts of readers. Each reader stores its count when it reports and when it goes offline, so
 * a reading after a grace period includes everything counted before the period began (GP-6). The count of a slot
 * continues from one tenant to the next and never restarts, so the difference of two readings is always meaningful.
 */
import type { Arena } from '../arena/arena.js';
import { Meter, meterOf, Slots } from '../arena/layout.js';
import { countOf, limitOf } from '../arena/meter.js';
import { reportReader } from '../rcu/registry.js';

/** A reader's count at one moment. */
export interface Reading {
  readonly identity: number;
  readonly name: string;
  /** Position in the reader registry. */
  readonly slot: number;
  /** The count of the slot in pages, modulo 2^32. */
  readonly dirtied: number;
  /** The slot's count when its previous tenant left, where this tenant's count begins. */
  readonly before: number;
  /** The reader's dirty-rate limit in pages a second; 0 when it has no limit. */
  readonly limit: number;
}

/** Only for the owner. @returns the readings of all attached readers */
export function readMeters(arena: Arena): Reading[] {
  const readings: Reading[] = [];
  for (let slot = 0; slot < arena.geometry.maxReaders; slot++) {
    const reading = readMeter(arena, slot);
    if (reading !== undefined) readings.push(reading);
  }
  return readings;
}

/** Only for the owner. @returns undefined when the slot has no tenant */
export function readMeter(arena: Arena, slot: number): Reading | undefined {
  const { words, regions } = arena;
  const reader = reportReader(arena, slot);
  if (reader === undefined) return undefined;
  const meter = meterOf(regions, Slots.first + slot * Slots.size);
  const limit = limitOf(words, meter);
  // A plain load suffices: the word is stored plainly (rcu/registry.ts), and the load of the identity in `reportReader`
  // orders it (GP-5). If the tenant leaves after that load, this may be where the next tenant's count begins. Then no
  // earlier reading of the tenant goes with this one (`isOfOneTenant`).
  const before = words.get(meter + Meter.Before);
  return { identity: reader.identity, name: reader.name, slot, limit, before, dirtied: countOf(words, meter) };
}

/** Only for the owner. @returns the count of each slot in pages, modulo 2^32, of all tenants that it has had */
export function readCounts({ words, regions, geometry }: Arena): Int32Array {
  return Int32Array.from({ length: geometry.maxReaders }, (_, slot) =>
    countOf(words, meterOf(regions, Slots.first + slot * Slots.size)),
  );
}

/** Are these two readings of one slot of the same tenant? */
export function isOfOneTenant(earlier: Reading, later: Reading): boolean {
  return earlier.before === later.before && earlier.identity === later.identity && earlier.name === later.name;
}

/** @returns how many pages the tenant has turned dirty since the earlier reading, or since it came if it came later */
export function dirtiedSince(earlier: Reading | undefined, { before, dirtied }: Reading): number {
  return (dirtied - (earlier?.before === before ? earlier.dirtied : before)) >>> 0;
}

/**
 * What readers have counted, as the owner sees it: each adds to its own word when it reports and when it goes offline, so
 * that a look after a grace period finds all that was counted before the period began (GP-6). Counts go on from
 * one tenant of a slot to the next, so that a difference is never of two counts that began anew.
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
  /** Pages, modulo 2^32. */
  readonly dirtied: number;
  /** What that was when the slot's last tenant left: where this one's begins. */
  readonly before: number;
  /** The dirty-rate limit that is set for it, in pages a second; 0 when there is none. */
  readonly limit: number;
}

/** Owner. Of the readers that are attached. */
export function readMeters(arena: Arena): Reading[] {
  const readings: Reading[] = [];
  for (let slot = 0; slot < arena.geometry.maxReaders; slot++) {
    const reading = readMeter(arena, slot);
    if (reading !== undefined) readings.push(reading);
  }
  return readings;
}

/** Owner. @returns undefined when the slot has no tenant */
export function readMeter(arena: Arena, slot: number): Reading | undefined {
  const { words, regions } = arena;
  const reader = reportReader(arena, slot);
  if (reader === undefined) return undefined;
  const meter = meterOf(regions, Slots.first + slot * Slots.size);
  const limit = limitOf(words, meter);
  // A tenant that comes between the two has pages of its own alone.
  const before = words.load(meter + Meter.Before);
  return { identity: reader.identity, name: reader.name, slot, limit, before, dirtied: countOf(words, meter) };
}

/** Are these two readings of one slot of the same tenant? */
export function isOfOneTenant(earlier: Reading, later: Reading): boolean {
  return earlier.before === later.before && earlier.identity === later.identity && earlier.name === later.name;
}

/** @returns pages that the tenant has turned dirty between the two readings, or since it came when the slot was another's */
export function dirtiedSince(earlier: Reading | undefined, { before, dirtied }: Reading): number {
  return (dirtied - (earlier?.before === before ? earlier.dirtied : before)) >>> 0;
}

/** Entering a page of code: where the instruction is, and where its record. */
import { RECORD_BYTES } from './decode';
import { slotOf } from './code-pages';
import { MISALIGNED_FETCH, raise, raised } from './state';
import { entryOf, EXECUTE, fetchTlb, hits, placeBy } from './tlb';
import { translate } from './walker';

/** The place in RAM of the page that was entered last, and its records. */
export let page: u32 = 0;
export let slot: u32 = 0;

/** @returns the record of the instruction; 0 where an exception was raised */
export function enterPage(pc: u64): u32 {
  if ((pc & 3) != 0) {
    raise(MISALIGNED_FETCH, pc);
    return 0;
  }
  const entry = entryOf(fetchTlb, pc);
  const place = hits(entry, pc, 4) ? placeBy(entry, pc) : translate(pc, EXECUTE);
  if (raised()) return 0;
  page = place & ~0xfff;
  slot = slotOf(place >>> 12);
  return slot + (u32(pc) & 0xfff) * (RECORD_BYTES / 4);
}

/**
 * Decoded code, by pages. A guest that has changed code executes `fence.i`, so only there must a hart look whether what
 * it has decoded is stale. Whether a page was stored to is what the client CODE tells.
 *
 * The host makes a page of code clean when a hart wants that: it makes the page's epoch odd, clears the page's bit, waits
 * for the grace period, and makes the epoch even. A slot that was decoded with an even epoch and a clear bit is good
 * while the bit is clear and the epoch the same: every store that the slot has not seen was marked after the clear, or
 * before it and then the period has waited for the store. Any other slot is good until the next `fence.i`.
 */
import {
  CONTROL,
  CONTROL_WANTS,
  DECODED,
  DECODED_BYTES,
  EPOCHS,
  PAGE_BYTES,
  SLOT_BYTES,
  SLOT_TAGS,
  SLOTS,
  WANTED,
} from './layout';
import { RECORD_BYTES } from './decode';
import { isCodeDirty } from './mark';
import { Op } from './operation';
import { area, hart } from './state';
import { NONE, TRACKING } from './tracking';

const TAG_BYTES: u32 = 8;
const TAG_EPOCH: usize = 4;
const NO_PAGE: u32 = 0;
export const RECORDS_BYTES: u32 = (PAGE_BYTES / 4) * RECORD_BYTES;

/** @returns where the records of the page are */
export function slotOf(page: u32): u32 {
  const index = page & (SLOTS - 1);
  const slot: u32 = DECODED + hart * DECODED_BYTES + index * SLOT_BYTES;
  const tag = area + SLOT_TAGS + index * TAG_BYTES;
  if (load<u32>(tag) != page + 1) clearSlot(page, slot, tag);
  return slot;
}

function clearSlot(page: u32, slot: u32, tag: u32): void {
  // The epoch before the bit before the code: if the page is made clean between two of these, the epoch differs later.
  const epoch = atomic.load<u32>(EPOCHS + 4 * page);
  const isKept = (epoch & 1) == 0 && !isCodeDirty(page);
  store<u32>(tag, page + 1);
  store<u32>(tag, isKept ? epoch : 1, TAG_EPOCH);
  memory.fill(slot, 0, RECORDS_BYTES);
  store<u8>(slot + RECORDS_BYTES, Op.PageEnd);
  if (!isKept && TRACKING != NONE && atomic.load<u8>(WANTED + page) == 0) {
    atomic.store<u8>(WANTED + page, 1);
    atomic.add<u32>(CONTROL, 1, CONTROL_WANTS);
  }
}

/** `fence.i`: of each slot the bit before the epoch, because the host changes the epoch before it clears the bit. */
export function dropStaleCode(): void {
  for (let index: u32 = 0; index < u32(SLOTS); index++) {
    const tag = area + SLOT_TAGS + index * TAG_BYTES;
    const page = load<u32>(tag) - 1;
    if (page == NO_PAGE - 1) continue;
    const epoch = load<u32>(tag, TAG_EPOCH);
    const isGood = (epoch & 1) == 0 && !isCodeDirty(page) && atomic.load<u32>(EPOCHS + 4 * page) == epoch;
    if (!isGood) store<u32>(tag, NO_PAGE);
  }
}

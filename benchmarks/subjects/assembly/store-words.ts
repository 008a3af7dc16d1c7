// Stores to the addresses of a list: plainly, or through the write-TLB, and with the test of the page's bits before each
// store, or without. Guest RAM lies at the memory's start.
import { PAGE_SHIFT } from './engine';
import { block0, block1, block2, isDirtyForAll, mark, pages } from './mark';
import { quiescent, storeWord } from './write-tlb';

export { fits } from './mark';
export { attach, beginInterval } from './write-tlb';

/** The first page of the only bitmap block, which covers all RAM. */
const FIRST: u32 = 0;
const ALL: u32 = 7;
/** The stores of an interval at least, as of a translation block or a few. */
const SLICE: u32 = 64;

export function plain(at: u32, end: u32, value: u32): void {
  while (at < end) {
    for (const to = at + SLICE * 4; at < to; at += 4) store<u32>(load<u32>(at), value);
    quiescent();
  }
}

export function tested(at: u32, end: u32, value: u32): void {
  while (at < end) {
    if (pages == 0) enter(load<u32>(at));
    const count = pages;
    const vga = block0;
    const code = block1;
    const migration = block2;
    for (const to = at + SLICE * 4; at < to; at += 4) {
      const address = load<u32>(at);
      const page = address >>> PAGE_SHIFT;
      if (!isDirtyForAll(page, FIRST, count, vga, code, migration)) mark(page, ALL);
      store<u32>(address, value);
    }
    quiescent();
  }
}

export function throughTlb(at: u32, end: u32, value: u32): void {
  while (at < end) {
    for (const to = at + SLICE * 4; at < to; at += 4) storeWord(load<u32>(at), value);
    quiescent();
  }
}

export function testedThroughTlb(at: u32, end: u32, value: u32): void {
  while (at < end) {
    if (pages == 0) enter(load<u32>(at));
    const count = pages;
    const vga = block0;
    const code = block1;
    const migration = block2;
    for (const to = at + SLICE * 4; at < to; at += 4) {
      const address = load<u32>(at);
      const page = address >>> PAGE_SHIFT;
      if (!isDirtyForAll(page, FIRST, count, vga, code, migration)) mark(page, ALL);
      storeWord(address, value);
    }
    quiescent();
  }
}

/** Caches the block, because the loops copy what is cached. */
function enter(address: u32): void {
  mark(address >>> PAGE_SHIFT, ALL);
}

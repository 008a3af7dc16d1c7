/** How stores are tracked. The build replaces this file: one module has one way, and pays for no other. */
export const NONE: i32 = 0;
/** The ABI's sequence on each store. */
export const EACH_STORE: i32 = 1;
/** A mark when an entry of the write-TLB is filled (DM-7). */
export const WRITE_TLB: i32 = 2;
export const TRACKING: i32 = WRITE_TLB;

/**
 * What the page changes in the hart, which marks by code of its own, to plant a bug there or to have one of the owner's
 * shown: places of its source, as in spec/machine/bugs.ts.
 */
import type { HartChange } from '../../build-hart.js';

export const HART_CHANGES = {
  /** Between the two is some time, as if an interrupt came. */
  'mark-by-load-and-store': {
    file: 'mark.ts',
    original: '  return (atomic.or<u32>(at, flag, BASE) & flag) == 0;\n',
    replacement: `  const before = atomic.load<u32>(at, BASE);
  for (let i = 0; i < 20000; i++) atomic.load<u32>(at, BASE);
  atomic.store<u32>(at, before | flag, BASE);
  return (before & flag) == 0;
`,
  },
  /**
   * The bug is in the owner; the hart is right. Between two entries that it loads is some time, as if an interrupt came,
   * in which the owner may replace the tables twice. Tables that were freed and not used again have no entries; the hart
   * then begins anew.
   */
  'free-without-grace-period': {
    file: 'mark.ts',
    original: `  if (page > lastPage || page >>> BLOCK_SHIFT >= length) return false;
  const entry0 = load<i32>(table0, BASE + TABLE_ENTRIES);
  const entry1 = load<i32>(table1, BASE + TABLE_ENTRIES);
  const entry2 = load<i32>(table2, BASE + TABLE_ENTRIES);
  if (min(min(entry0, entry1), entry2) <= ZERO_BLOCK) return false;
`,
    replacement: `  if (page > lastPage) return false;
  const entry0 = load<i32>(table0, BASE + TABLE_ENTRIES);
  const entry1 = load<i32>(table1, BASE + TABLE_ENTRIES);
  for (let i = 0; i < 1000000; i++) atomic.load<u32>(table2, BASE);
  const entry2 = load<i32>(table2, BASE + TABLE_ENTRIES);
  if (length == 0 || min(min(entry0, entry1), entry2) <= ZERO_BLOCK) return enterBlock(page);
`,
  },
} as const satisfies Record<string, HartChange>;

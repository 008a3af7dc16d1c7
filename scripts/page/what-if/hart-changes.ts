/** Bugs that the page plants into the hart, which marks by code of its own: places of its source, as in spec/machine/bugs.ts. */
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
} as const satisfies Record<string, HartChange>;

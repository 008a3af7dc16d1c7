/** Changes of the hart that bugs need which are planted into a vCPU: its marks go through the vCPU. */
import type { HartChange } from '../../build-hart.js';

export const HART_CHANGES = {
  'marks-by-vcpu': {
    file: 'mark.ts',
    original: '  if (page >= pages && !enterBlock(page)) {\n    callMark(page);\n    return;\n  }\n',
    replacement: '  callMark(page);\n  if (TRACKING != NONE) return;\n',
  },
} as const satisfies Record<string, HartChange>;

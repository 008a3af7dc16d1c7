/** Bugs of the embedding, planted in the hart: each is a place of its source, and what stands there instead. */
import type { HartChange } from '../../scripts/build-hart.js';
import type { Tracking } from './hart-module.js';

export interface PlantedBug {
  readonly what: string;
  readonly tracking: Tracking;
  readonly change: HartChange;
}

const ATOMIC_MARK = 'if (TRACKING == EACH_STORE) mark(place >>> 12);';

/** What makes replicas differ. The specs' short form has the first alone. */
export const UNMARKED: readonly PlantedBug[] = [
  {
    what: 'the write-TLB outlives its interval',
    tracking: 'write-tlb',
    change: { file: 'flush.ts', original: 'if (TRACKING == WRITE_TLB) dropMarks();', replacement: '' },
  },
  {
    what: 'the page walker does not mark',
    tracking: 'write-tlb',
    change: { file: 'walker.ts', original: '      markAt(at);\n', replacement: '' },
  },
  {
    what: 'an AMO does not mark',
    tracking: 'each-store',
    change: {
      file: 'atomics.ts',
      original: ATOMIC_MARK,
      replacement: 'if (TRACKING == EACH_STORE && operation == STORE_CONDITIONAL) mark(place >>> 12);',
    },
  },
  {
    what: 'SC does not mark',
    tracking: 'each-store',
    change: {
      file: 'atomics.ts',
      original: ATOMIC_MARK,
      replacement: 'if (TRACKING == EACH_STORE && operation != STORE_CONDITIONAL) mark(place >>> 12);',
    },
  },
  {
    what: 'an AMO takes its place from the TLB for reading',
    tracking: 'write-tlb',
    change: {
      file: 'atomics.ts',
      original: 'loads ? READ : WRITE);',
      replacement: 'loads || operation != STORE_CONDITIONAL ? READ : WRITE);',
    },
  },
  {
    what: 'the cached bitmap block outlives its interval',
    tracking: 'each-store',
    change: { file: 'flush.ts', original: '  forgetBlock();\n', replacement: '' },
  },
];

/** What makes guests compute wrong results. The specs' short form has the first alone. */
export const STALE_CODE: readonly PlantedBug[] = [
  {
    what: 'fence.i does not drop what was decoded',
    tracking: 'write-tlb',
    change: { file: 'execute.ts', original: '        dropStaleCode();\n', replacement: '' },
  },
  {
    what: 'fence.i does not look whether a page that is kept is dirty',
    tracking: 'write-tlb',
    change: {
      file: 'code-pages.ts',
      original: '(epoch & 1) == 0 && !isCodeDirty(page) && atomic',
      replacement: '(epoch & 1) == 0 && atomic',
    },
  },
  {
    what: 'fence.i does not look whether a page was made clean meanwhile',
    tracking: 'write-tlb',
    change: { file: 'code-pages.ts', original: ' && atomic.load<u32>(EPOCHS + 4 * page) == epoch;', replacement: ';' },
  },
];

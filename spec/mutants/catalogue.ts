/** The mutants that the specs must find: bugs that no part passed in from outside can have (`lib/stress/sabotage/`). */
import type { Mutant } from './mutant.js';

const VCPU = 'lib/dirty/vcpu.ts';
const COLLECTOR = 'lib/dirty/collector.ts';
const RAM_LIST = 'lib/ram/ram-list.ts';
const MARKS = 'if ((words.get(at) & flag) === 0 && (words.or(at, flag) & flag) === 0)';

/** Marks that are wrong for one client, or in their answer. */
const marks = {
  'code-marked-by-get-and-set': {
    description: 'a mark for CODE is a read and a write in place of an atomic or',
    file: VCPU,
    original: `${MARKS} turned |= 2;`,
    replacement: 'if ((words.get(at) & flag) === 0) { words.set(at, words.get(at) | flag); turned |= 2; }',
  },
  'told-by-what-was-seen': {
    description: 'a mark answers by the word that it saw, not by the one that its or has found',
    file: VCPU,
    original: `${MARKS} turned = 1;`,
    replacement: 'if ((words.get(at) & flag) === 0) { words.or(at, flag); turned = 1; }',
  },
  'counted-by-what-was-seen': {
    description: 'the same for MIGRATION, whose pages a reader counts',
    file: VCPU,
    original: `${MARKS} {\n        turned |= 4;`,
    replacement: 'if ((words.get(at) & flag) === 0) {\n        words.or(at, flag);\n        turned |= 4;',
  },
} as const satisfies Record<string, Mutant>;

/** A reader that takes one client's table for all three: between two stores of the owner they have other blocks. */
const tables = {
  'blocks-of-vga-alone': {
    description: "a reader looks for a bitmap block in VGA's table alone",
    file: VCPU,
    original: `
      words.get(this.table0 + number) > zeroBlock &&
      words.get(this.table1 + number) > zeroBlock &&
      words.get(this.table2 + number) > zeroBlock`,
    replacement: 'words.get(this.table0 + number) > zeroBlock',
  },
  'blocks-of-migration-alone': {
    description: "a reader looks for a bitmap block in MIGRATION's table alone",
    file: VCPU,
    original: `
      words.get(this.table0 + number) > zeroBlock &&
      words.get(this.table1 + number) > zeroBlock &&
      words.get(this.table2 + number) > zeroBlock`,
    replacement: 'words.get(this.table2 + number) > zeroBlock',
  },
} as const satisfies Record<string, Mutant>;

const ends = {
  'number-before-closed': {
    description: 'the last number is stored before it is said that the engine is closed',
    file: 'lib/engine.ts',
    original: 'this.arena.words.store(Header.Closed, ',
    replacement: 'this.rcu.close(); Object.assign(this.rcu, { close() {} }); this.arena.words.store(Header.Closed, ',
  },
  'untracked-client-collected': {
    description: 'a collection that waited for its turn does not look whether its client is tracked still',
    file: COLLECTOR,
    original: 'if (bitmap.users.has(user)) return;',
    replacement: 'if (user !== undefined) return;',
  },
} as const satisfies Record<string, Mutant>;

const limits = {
  'notify-before-change': {
    description: 'sleepers are notified before the word that they sleep on is changed',
    file: 'lib/rate/limits.ts',
    original: `
    words.add(Header.LimitChanges, 1);
    words.notify(Header.LimitChanges);`,
    replacement: `
    words.notify(Header.LimitChanges);
    words.add(Header.LimitChanges, 1);`,
  },
} as const satisfies Record<string, Mutant>;

const givingWay = {
  'waiting-cleared-late': {
    description: 'what the owner has named is cleared when it sleeps no more, not before the next period begins',
    file: 'lib/rcu/grace-period.ts',
    original: `
      words.store(Header.Waiting, 0);
      words.notify(Header.Completed);`,
    replacement: `
      words.notify(Header.Completed);`,
  },
} as const satisfies Record<string, Mutant>;

const READER = 'lib/rcu/reader.ts';

/** Intervals that end and nobody is told of. */
const intervals = {
  'owner-report-untold': {
    description: 'quiescent does not look closer when the owner has reported for a reader of its own thread',
    file: READER,
    original: 'this.governed || this.lookingOn || this.begun !== this.returned ? 0 : number',
    replacement: 'this.governed || this.lookingOn ? 0 : number',
  },
  'numbered-since-quiescent': {
    description: 'the number of an interval begins anew when quiescent has returned, whoever called it',
    file: READER,
    original: 'return this.begun;',
    replacement: 'return this.begun - this.returned;',
  },
  'promise-back-untold': {
    description: 'a return from offline by a promise begins no interval, as far as anybody is told',
    file: READER,
    original: `
        back();
        return value;`,
    replacement: `
        const { begun, returned } = this;
        back();
        Object.assign(this, { begun, returned });
        return value;`,
  },
  'collected-in-mid-interval': {
    description: 'a collection of stopped vCPUs does not end the intervals of readers on its own thread',
    file: COLLECTOR,
    original: `
    this.endLocalIntervals();
    return this.hand(`,
    replacement: `
    return this.hand(`,
  },
  'collected-after-the-interval': {
    description: 'a collection of stopped vCPUs ends the intervals on its own thread before it clears, not afterwards',
    file: COLLECTOR,
    original: `
    let inFlight: PageSet | undefined;
    try {`,
    replacement: `
    let inFlight: PageSet | undefined;
    this.endLocalIntervals();
    this.endLocalIntervals = () => {};
    try {`,
  },
  'error-thrown-into-the-owner': {
    description: "an error of a listener is thrown into the owner's step that has reported",
    file: READER,
    original: "throwInOwnTurn(error); // else a listener could cut the owner's step in two",
    replacement: 'throw error;',
  },
} as const satisfies Record<string, Mutant>;

const MEASUREMENT = 'lib/rate/measurement.ts';

/** A window in which readers may still have marks from before. */
const windows = {
  'window-without-period': {
    description: 'a window of a measurement takes the bits and requests no grace period',
    file: MEASUREMENT,
    original: 'const cookie = rcu.request();',
    replacement: 'const cookie = 0;',
  },
  'time-from-the-clear': {
    description: 'the time of a window counts from the taking of the bits',
    file: MEASUREMENT,
    original: '    began = performance.now();',
    replacement: '    began = this.since;',
  },
  'early-window-counted': {
    description: 'a window counts that was ended before its grace period had ended',
    file: MEASUREMENT,
    original: 'let began: number | undefined;',
    replacement: 'let began: number | undefined = performance.now();',
  },
} as const satisfies Record<string, Mutant>;

/** Of swapping where the arena is nearly full. */
const swaps = {
  'never-swapped': {
    description: 'dense blocks are emptied word by word, too',
    file: COLLECTOR,
    original: 'const swap = tables.prepareSwap(bitmap, [...dense]);',
    replacement: 'const swap = undefined;',
  },
  'one-block-not-emptied': {
    description: 'one block that the arena had no room to swap is left as it is',
    file: COLLECTOR,
    original: 'if (dense.size > 0) this.empty(',
    replacement: 'if (dense.size > 1) this.empty(',
  },
  'swap-not-cancelled': {
    description: 'a swap that comes to nothing keeps its blocks and its table',
    file: COLLECTOR,
    original: 'swap?.cancel();',
    replacement: '',
  },
  'fresh-blocks-leaked': {
    description: 'the blocks of a swap for whose table there is no room are not freed',
    file: 'lib/dirty/block-tables.ts',
    original: `
      this.freeBlocks(fresh);
      if (!(error instanceof ArenaFullError)) throw error;`,
    replacement: `
      if (!(error instanceof ArenaFullError)) throw error;`,
  },
} as const satisfies Record<string, Mutant>;

const steps = {
  'last-page-forgotten': {
    description: 'a bitmap block is dropped though other RAM has its last page',
    file: RAM_LIST,
    original: 'end: (number + 1) * pagesPerBlock }',
    replacement: 'end: (number + 1) * pagesPerBlock - 1 }',
  },
} as const satisfies Record<string, Mutant>;

export const MUTANTS: Readonly<Record<string, Mutant>> = {
  ...marks,
  ...tables,
  ...ends,
  ...limits,
  ...givingWay,
  ...intervals,
  ...windows,
  ...swaps,
  ...steps,
};

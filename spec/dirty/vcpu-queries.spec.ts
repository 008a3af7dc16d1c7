/**
 * What a vCPU does outside the bitmap block that it has cached: marks of ranges, queries, what it refuses, and how it
 * looks through its tables.
 */
import { expect } from 'chai';
import { Header, Meter, Slot, Table } from '../../lib/arena/layout.js';
import { Words } from '../../lib/arena/words.js';
import { rootOf } from '../../lib/dirty/client.js';
import { engineOf } from '../../lib/dirty-memory.js';
import { CODE, CorruptionError, type DirtyMemory, MIGRATION, UsageError, VGA } from '../../lib/index.js';
import { OFFLINE } from '../../lib/rcu/sequence.js';
import { attachVcpu, type Vcpu } from '../../lib/vcpu.js';
import { CLIENTS, cleanAll, collectAtOnce, dirtyPages, foreignVcpu, PAGE, range, smallEngine } from '../support/engines.js';
import { expectThrow } from '../support/refusals.js';

/** Pages of a bitmap block. */
const BLOCK = 64;
/** RAM fills the blocks 0, 1, 2 and 4. */
const HOLE = 3 * BLOCK;
const HIGH = 4 * BLOCK;
const END = 5 * BLOCK;

describe('a vCPU whose RAM has a hole', () => {
  let memory: DirtyMemory;
  let words: Words;
  let vcpu: Vcpu;

  const open = (options: Parameters<typeof smallEngine>[0] = {}): void => {
    memory = smallEngine({ debug: false, ...options });
    ({ words } = engineOf(memory).arena);
    memory.ram.plug({ id: 'low', size: HOLE * PAGE });
    memory.ram.plug({ id: 'high', size: (END - HIGH) * PAGE, offset: HIGH * PAGE });
    cleanAll(memory);
    vcpu = attachVcpu(memory.handle);
  };
  beforeEach(() => open());

  const markPages = (first: number, end: number, mask: number): number =>
    vcpu.markRange(first * PAGE, (end - first) * PAGE, mask);

  /** @returns how many pages turned dirty for MIGRATION within the call, by the count for dirty rates */
  const counted = (call: () => void): number => {
    const before = words.get(vcpu.meter + Meter.Dirtied);
    call();
    vcpu.goOffline();
    vcpu.goOnline();
    return words.get(vcpu.meter + Meter.Dirtied) - before;
  };

  describe('marks ranges', () => {
    for (const mask of range(1, 8)) {
      it(`over blocks for the clients of the mask, and counts the pages of MIGRATION: ${mask}`, () => {
        const pages = counted(() => {
          expect(markPages(50, 150, mask)).to.equal(mask);
          expect(markPages(50, 150, mask)).to.equal(0);
        });
        expect(pages).to.equal((mask & MIGRATION) !== 0 ? 100 : 0);
        for (const client of CLIENTS) {
          expect(dirtyPages(memory, client)).to.deep.equal((mask & client) !== 0 ? range(50, 150) : []);
        }
      });
    }

    it('and tells for which clients a page turned in any block', () => {
      markPages(0, BLOCK, VGA | MIGRATION);
      markPages(BLOCK, 2 * BLOCK, CODE | MIGRATION);
      expect(markPages(0, 2 * BLOCK, VGA | CODE | MIGRATION)).to.equal(VGA | CODE);
    });

    it('that begin and end with RAM', () => {
      expect(markPages(0, HOLE, 7)).to.equal(7);
      expect(markPages(HIGH, END, 7)).to.equal(7);
      for (const client of CLIENTS) {
        expect(dirtyPages(memory, client)).to.deep.equal([...range(0, HOLE), ...range(HIGH, END)]);
      }
    });

    it('without bytes nowhere', () => {
      for (const page of [5, BLOCK + 5, HOLE, END, 2 * END]) expect(markPages(page, page, 7)).to.equal(0);
      for (const client of CLIENTS) expect(dirtyPages(memory, client)).to.deep.equal([]);
    });
  });

  it('counts each page that turns dirty for MIGRATION, and no other', () => {
    const marks: [call: (page: number) => number, turned: number][] = [
      [(page) => vcpu.mark(page * PAGE), 7],
      [(page) => vcpu.markPage(page, MIGRATION), MIGRATION],
      [(page) => vcpu.markPage(page, CODE), CODE],
      [(page) => vcpu.markRange(page * PAGE, 1, VGA | MIGRATION), VGA | MIGRATION],
      [(page) => vcpu.markRange(page * PAGE, 1, VGA | CODE), VGA | CODE],
    ];
    for (const [call, turned] of marks) {
      cleanAll(memory);
      const pages = counted(() => {
        for (const page of [1, 2, BLOCK, BLOCK + 1]) {
          expect(call(page)).to.equal(turned);
          expect(call(page)).to.equal(0);
        }
      });
      expect(pages).to.equal((turned & MIGRATION) !== 0 ? 4 : 0);
    }
  });

  describe('answers queries', () => {
    const includesClean = (first: number, end: number, mask: number): number =>
      vcpu.includesClean(first * PAGE, (end - first) * PAGE, mask);

    for (const client of CLIENTS) {
      it(`of client ${client} over blocks, by that client’s pages`, () => {
        markPages(BLOCK - 1, 2 * BLOCK + 1, client);
        const isDirty = (first: number, end: number, of = client) =>
          vcpu.isDirty(first * PAGE, (end - first) * PAGE, of);
        const allDirty = (first: number, end: number, of = client) =>
          vcpu.allDirty(first * PAGE, (end - first) * PAGE, of);
        expect([isDirty(0, BLOCK - 1), isDirty(0, BLOCK)]).to.deep.equal([false, true]);
        expect([isDirty(2 * BLOCK + 1, HOLE), isDirty(2 * BLOCK, HOLE)]).to.deep.equal([false, true]);
        expect(allDirty(BLOCK - 1, 2 * BLOCK + 1)).to.equal(true);
        expect([allDirty(BLOCK - 2, 2 * BLOCK + 1), allDirty(BLOCK - 1, 2 * BLOCK + 2)]).to.deep.equal([false, false]);
        for (const other of CLIENTS) {
          if (other === client) continue;
          expect([isDirty(0, HOLE, other), allDirty(BLOCK, BLOCK + 1, other)]).to.deep.equal([false, false]);
        }
        expect(includesClean(BLOCK - 1, 2 * BLOCK + 1, 7)).to.equal(7 - client);
        expect(includesClean(BLOCK - 1, 2 * BLOCK + 2, 7)).to.equal(7);
        expect(includesClean(BLOCK - 1, 2 * BLOCK + 1, client)).to.equal(0);
      });
    }

    it('over the hole, which is clean, up to the end of RAM', () => {
      markPages(0, HOLE, 7);
      expect(vcpu.isDirty(HOLE * PAGE, (END - HOLE) * PAGE, VGA)).to.equal(false);
      expect(vcpu.allDirty(0, (HOLE + 1) * PAGE, VGA)).to.equal(false);
      expect(vcpu.isDirty(0, END * PAGE, VGA)).to.equal(true);
      markPages(HIGH, END, 7);
      expect(includesClean(0, END, 7)).to.equal(7);
    });

    it('of no bytes anywhere, and of none past the end of RAM', () => {
      for (const page of [0, HOLE, END, 2 * END]) {
        expect(vcpu.isDirty(page * PAGE, 0, CODE)).to.equal(false);
        expect(vcpu.allDirty(page * PAGE, 0, CODE)).to.equal(true);
        expect(includesClean(page, page, 7)).to.equal(0);
      }
      const why = `past the end of RAM, ${END * PAGE}`;
      const bytes = `bytes ${(END - 1) * PAGE} (0x${((END - 1) * PAGE).toString(16)}) to ${(END + 1) * PAGE} `;
      expectThrow(() => vcpu.isDirty((END - 1) * PAGE, PAGE + 1, CODE), RangeError, 'isDirty', bytes, why);
      expectThrow(() => vcpu.allDirty((END - 1) * PAGE, PAGE + 1, CODE), RangeError, 'allDirty', bytes, why);
      expectThrow(() => includesClean(END - 1, END + 1, 7), RangeError, 'includesClean', bytes, why);
    });
  });

  for (const debug of [false, true]) {
    it(`tells where there is no RAM, and marks nothing of the range: ${debug ? '' : 'not '}in debug mode`, () => {
      open({ debug });
      const hole = `there is no RAM from ${HOLE * PAGE} (0xc0000) to ${HIGH * PAGE} (0x100000)`;
      const end = `RAM ends at ${END * PAGE} (0x140000)`;
      const list = new Uint32Array(2 * END);
      for (const [first, past, why] of [
        [1, HOLE + 1, hole],
        [HOLE - 1, HIGH + 1, hole],
        [HOLE + 20, HOLE + 21, hole],
        [HIGH, END + 1, end],
        [END, END + 1, end],
        [END + 20, END + 90, end],
      ] as const) {
        const [start, length] = [first * PAGE, (past - first) * PAGE];
        expectThrow(() => vcpu.markRange(start, length, 7), RangeError, 'markRange', `bytes ${start} `, why);
        expectThrow(() => vcpu.markRangeAndList(start, length, CODE, list), RangeError, 'markRangeAndList', why);
      }
      for (const [page, why] of [
        [HOLE + 20, hole],
        [END, end],
      ] as const) {
        expectThrow(() => vcpu.mark(page * PAGE), RangeError, 'mark', why);
        for (const client of CLIENTS) expectThrow(() => vcpu.markPage(page, client), RangeError, `page ${page}`, why);
      }
      for (const client of CLIENTS) expect(dirtyPages(memory, client)).to.deep.equal([]);
      expect(vcpu.isDirty(0, END * PAGE, CODE), 'nor in the hole').to.equal(false);
    });

    it(`refuses what is no number of its kind at the mark: ${debug ? '' : 'not '}in debug mode`, () => {
      open({ debug });
      for (const again of [false, true]) {
        for (const value of ['0', null, undefined, {}, Symbol('0')]) {
          expectThrow(() => vcpu.mark(value as never), TypeError, 'mark', 'address must be a number');
          expectThrow(() => vcpu.markPage(value as never, VGA), TypeError, 'markPage', 'page must be a number');
        }
        for (const value of [0.5, BLOCK + 0.5]) {
          if (!debug) continue;
          expectThrow(() => vcpu.mark(value * PAGE + 0.5), RangeError, 'mark', 'debug mode');
          expectThrow(() => vcpu.markPage(value, VGA), RangeError, 'markPage', 'debug mode');
        }
        const turned = [vcpu.mark(0), vcpu.markPage(0, VGA), vcpu.markPage(1, VGA)];
        expect(turned).to.deep.equal(again ? [0, 0, 0] : [7, 0, VGA]);
      }
      expect(dirtyPages(memory, CODE)).to.deep.equal([0]);
    });
  }

  it('takes no page far up for one in RAM', () => {
    const far = 2 ** 26;
    memory = smallEngine({ debug: false, pageSize: 1, maxRamBytes: 2 ** 27, arenaBytes: 2 ** 25 });
    memory.ram.plug({ id: 'low', size: BLOCK });
    memory.ram.plug({ id: 'high', size: BLOCK, offset: far + BLOCK });
    vcpu = attachVcpu(memory.handle);
    expectThrow(() => vcpu.mark(far), RangeError, 'mark', 'there is no RAM');
    expectThrow(() => vcpu.markPage(far, VGA), RangeError, 'markPage', 'there is no RAM');
    expect(vcpu.mark(far + BLOCK), 'dirty, because it is new').to.equal(0);
  });

  const afterPlug: [title: string, mark: (page: number) => number][] = [
    ['mark', (page) => vcpu.mark((page + 0.5) * PAGE) & CODE],
    ['markPage', (page) => vcpu.markPage(page + 0.5, CODE)],
    ['markRange', (page) => vcpu.markRange(page * PAGE, PAGE, CODE)],
    ['markRangeAndList', (page) => vcpu.markRangeAndList(page * PAGE, 1, CODE, new Uint32Array(1)) * CODE],
  ];
  for (const [title, mark] of afterPlug) {
    it(`finds RAM that was plugged in its interval, by ${title}`, () => {
      // The pages before this RAM share its bitmap block: only they are clean.
      memory.ram.plug({ id: 'more', size: 10 * PAGE, offset: (END + 10) * PAGE });
      expect(mark(END + 5)).to.equal(CODE);
      const dirty = range(END, END + 20).filter((page) => vcpu.isDirty(page * PAGE, 1, CODE));
      expect(dirty).to.deep.equal([END + 5, ...range(END + 10, END + 20)]);
    });
  }

  it('finds RAM that was plugged in its interval, by a query', () => {
    memory.ram.plug({ id: 'more', size: PAGE, offset: END * PAGE });
    expect(vcpu.allDirty(END * PAGE, PAGE, CODE)).to.equal(true);
  });

  for (const client of CLIENTS) {
    it(`loads its roots again where it has an older table of one client than of the others: ${client}`, () => {
      const root = Header.Roots + rootOf(client);
      const old = words.load(root);
      memory.ram.plug({ id: 'between', size: BLOCK * PAGE, offset: HOLE * PAGE });
      expect(words.load(root)).not.to.equal(old);
      const { load } = Words.prototype;
      Words.prototype.load = function (index) {
        if (index !== root) return load.call(this, index);
        Words.prototype.load = load;
        return old;
      };
      try {
        vcpu.goOffline();
        vcpu.goOnline();
      } finally {
        Words.prototype.load = load;
      }
      expect(vcpu.cachedTables[rootOf(client)]).to.equal(old);
      expect(vcpu.mark(HOLE * PAGE), 'dirty, because it is new').to.equal(0);
      const { zeroBlock } = engineOf(memory).arena.regions;
      expect(words.get(zeroBlock)).to.equal(0);
    });
  }

  it('goes on by its tables until it reports when the engine is closed, and is refused then', async () => {
    await memory.close();
    expect(markPages(BLOCK - 1, BLOCK + 1, CODE)).to.equal(CODE);
    expect(vcpu.isDirty(0, BLOCK * PAGE, CODE)).to.equal(true);
    expect(vcpu.allDirty(BLOCK * PAGE, PAGE, CODE)).to.equal(true);
    vcpu.quiescent();
    expect(vcpu.isDirty(0, 0, CODE), 'for which it needs no table').to.equal(false);
    const closed = (name: string, call: () => unknown) => expectThrow(call, UsageError, `${name}: the engine is closed`);
    closed('mark', () => vcpu.mark(0));
    closed('markPage', () => vcpu.markPage(0, CODE));
    closed('markRange', () => markPages(0, 2, 7));
    closed('isDirty', () => vcpu.isDirty(0, 1, CODE));
  });

  it('is refused offline, even for no bytes', () => {
    vcpu.goOffline();
    for (const length of [0, 1, 2 * PAGE]) {
      expectThrow(() => vcpu.markRange(0, length, 7), UsageError, 'markRange', 'is offline');
      expectThrow(() => vcpu.isDirty(0, length, CODE), UsageError, 'isDirty', 'is offline');
    }
  });

  it('is told that its memory has been grown, whichever way it takes', () => {
    const ground = new WebAssembly.Memory({ initial: 2 });
    open({ memory: ground, shared: false });
    vcpu.mark(0);
    ground.grow(1);
    const grown = (name: string, call: () => unknown) => expectThrow(call, UsageError, `${name}: `, 'has been grown');
    for (const page of [0, 1, BLOCK, END]) {
      grown('mark', () => vcpu.mark(page * PAGE));
      grown('markPage', () => vcpu.markPage(page, CODE));
      grown('markRange', () => vcpu.markRange(page * PAGE, 1, 7));
      grown('isDirty', () => vcpu.isDirty(page * PAGE, 1, CODE));
    }
    grown('markRange', () => markPages(0, HOLE, 7));
  });

  it('is told that its tables were freed when it uses them after its interval', async () => {
    const late = foreignVcpu(memory);
    late.mark(0);
    words.store(late.slot + Slot.State, OFFLINE);
    memory.ram.plug({ id: 'more', size: PAGE, offset: END * PAGE });
    await memory.rcu.synchronize();
    const freed = (name: string, call: () => unknown) =>
      expectThrow(call, CorruptionError, `${name}: reader 'foreign'`, 'freed');
    freed('mark', () => late.mark(END * PAGE));
    freed('markRange', () => late.markRange(0, HOLE * PAGE, 7));
    freed('allDirty', () => late.allDirty(0, PAGE, CODE));
  });

  it('goes to no block outside the arena where its table was written over', () => {
    const entry = (vcpu.cachedTables[rootOf(CODE)] as number) + Table.Entries + 1;
    const { geometry, regions } = engineOf(memory).arena;
    const last = words.length - geometry.blockWords;
    const own = words.get(entry);
    const overHole = () => vcpu.isDirty(0, END * PAGE, CODE);
    for (const block of [-1, regions.zeroBlock - 1, last + 1, words.length, 2 ** 31 - 1]) {
      words.set(entry, block);
      expectThrow(overHole, CorruptionError, "reader 'vcpu'", 'block table');
    }
    expectThrow(() => markPages(BLOCK, BLOCK + 2, CODE), CorruptionError, "reader 'vcpu'", 'block table');
    words.set(entry, last);
    expect(overHole(), 'in the last block that the arena has room for').to.equal(false);
    words.set(entry, own);
  });
});

describe('a mark outside the cached block', () => {
  let vcpu: Vcpu;

  /** Pages 0, 33, 97 and 161, of the blocks 0, 0, 1 and 2, are dirty; block 0 is cached. */
  const open = (tracked: number): void => {
    const memory = smallEngine({ tracked, debug: false });
    memory.ram.plug({ id: 'ram', size: HOLE * PAGE });
    for (const client of CLIENTS) if ((tracked & client) !== 0) collectAtOnce(memory, client).dispose();
    vcpu = attachVcpu(memory.handle);
    for (const page of [161, 97, 0, 33]) expect(vcpu.mark(page * PAGE)).to.equal(tracked);
  };

  /** Is the block of the dirty page the cached one? Then a mark looks at one word for each tracked client. */
  const expectCached = (page: number, tracked: number): void => {
    const read: number[] = [];
    const { get } = Words.prototype;
    Words.prototype.get = function (index) {
      read.push(index);
      return get.call(this, index);
    };
    try {
      vcpu.mark(page * PAGE);
    } finally {
      Words.prototype.get = get;
    }
    expect(new Set(read).size, `words read for page ${page}`).to.equal(CLIENTS.filter((c) => c & tracked).length);
  };

  for (const tracked of [1, 3, 7]) {
    it(`leaves the cache, until it is the eighth in a row in one block, tracking ${tracked}`, () => {
      open(tracked);
      for (let i = 0; i < 7; i++) expect(vcpu.mark(97 * PAGE)).to.equal(0);
      expectCached(33, tracked);
      vcpu.mark(97 * PAGE);
      expectCached(97, tracked);
      vcpu.mark(0);
      expectCached(97, tracked);
    });

    it(`leaves the cache where marks in other blocks take turns, tracking ${tracked}`, () => {
      open(tracked);
      for (let i = 0; i < 20; i++) for (const page of [97, 161]) expect(vcpu.mark(page * PAGE)).to.equal(0);
      expectCached(33, tracked);
    });
  }

  it('takes the block of a one-page range as its own', () => {
    for (const start of [97 * PAGE, 97 * PAGE + 5]) {
      open(7);
      vcpu.markRange(start, 8, VGA);
      expectCached(97, 7);
    }
  });
});

/** What the ranges and queries of a vCPU find through its tables, and what its marks count. */
import { expect } from 'chai';
import { Header, Meter, Table } from '../../lib/arena/layout.js';
import { Words } from '../../lib/arena/words.js';
import { rootOf } from '../../lib/dirty/client.js';
import { engineOf } from '../../lib/dirty-memory.js';
import { CODE, CorruptionError, type DirtyMemory, MIGRATION, UsageError, VGA } from '../../lib/index.js';
import { attachVcpu, type Vcpu } from '../../lib/vcpu.js';
import { accessesOf } from '../support/accesses.js';
import { CLIENTS, cleanAll, dirtyPages, PAGE, range, smallEngine } from '../support/engines.js';
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

    it('of one page, and has its block cached then', () => {
      for (const page of [1, BLOCK + 1, HIGH + 1]) {
        markPages(page, page + 1, 7);
        expect(new Set(accessesOf(() => vcpu.mark(page * PAGE)).get).size).to.equal(3);
        cleanAll(memory);
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

/**
 * What a vCPU does where its cached bitmap block does not serve: which ranges it refuses and what it says of them, when
 * it loads the roots anew, and which marks make it cache another block.
 */
import { expect } from 'chai';
import { Header, Meter, Slot, Table } from '../../lib/arena/layout.js';
import { engineOf } from '../../lib/dirty-memory.js';
import { CODE, CorruptionError, type DirtyMemory, MIGRATION, UsageError, VGA } from '../../lib/index.js';
import { OFFLINE } from '../../lib/rcu/sequence.js';
import { attachVcpu, type Vcpu } from '../../lib/vcpu.js';
import { accessesOf } from '../support/accesses.js';
import { cleanAll, dirtyPages, foreignVcpu, PAGE, range, smallEngine } from '../support/engines.js';
import { expectThrow } from '../support/refusals.js';

/** Pages of a bitmap block. */
const BLOCK = 64;
const END = 4 * BLOCK;

describe('a vCPU outside its cached bitmap block', () => {
  let memory: DirtyMemory;
  let vcpu: Vcpu;

  const plug = (first: number, pages: number): void =>
    void memory.ram.plug({ id: `at ${first}`, size: pages * PAGE, offset: first * PAGE });
  const markPages = (first: number, end: number, mask = 7): number =>
    vcpu.markRange(first * PAGE, (end - first) * PAGE, mask);
  const ask = {
    isDirty: (first: number, end: number) => vcpu.isDirty(first * PAGE, (end - first) * PAGE, VGA),
    allDirty: (first: number, end: number) => vcpu.allDirty(first * PAGE, (end - first) * PAGE, VGA),
    includesClean: (first: number, end: number) => vcpu.includesClean(first * PAGE, (end - first) * PAGE, 7),
  };

  for (const debug of [false, true]) {
    describe(`where the second of four blocks is no RAM${debug ? ', in debug mode' : ''}`, () => {
      beforeEach(() => {
        memory = smallEngine({ debug });
        plug(0, BLOCK);
        plug(2 * BLOCK, 2 * BLOCK);
        cleanAll(memory);
        vcpu = attachVcpu(memory.handle);
      });

      it('marks up to the borders of RAM', () => {
        expect(vcpu.markPage(0, CODE)).to.equal(CODE);
        expect(vcpu.mark(0)).to.equal(VGA | MIGRATION);
        expect(markPages(0, BLOCK)).to.equal(7);
        expect(markPages(2 * BLOCK, END)).to.equal(7);
        expect(dirtyPages(memory, CODE)).to.deep.equal([...range(0, BLOCK), ...range(2 * BLOCK, END)]);
      });

      it('says where RAM is missing, and marks nothing then', () => {
        const gap = 'there is no RAM from 262144 (0x40000) to 524288 (0x80000)';
        const end = 'RAM ends at 1048576 (0x100000)';
        const wrong: [first: number, end: number, why: string][] = [
          [BLOCK - 1, BLOCK + 1, gap],
          [BLOCK + 5, BLOCK + 9, gap],
          [BLOCK + 5, END, gap],
          [5, 2 * BLOCK + 5, gap],
          [END - 1, END + 1, end],
          [END - 1, END + 2 * BLOCK, end],
          [END, END + 1, end],
        ];
        for (const [first, last, why] of wrong) expectThrow(() => markPages(first, last), RangeError, 'markRange', why);
        expectThrow(() => vcpu.mark((BLOCK + 5) * PAGE), RangeError, 'mark', gap);
        expectThrow(() => vcpu.markPage(BLOCK + 5, VGA), RangeError, 'markPage', gap);
        expect(dirtyPages(memory, VGA)).to.deep.equal([]);
      });

      it('finds the gap clean where it is asked, up to the end of RAM', () => {
        expect(ask.isDirty(BLOCK, 2 * BLOCK)).to.equal(false);
        markPages(0, BLOCK);
        markPages(2 * BLOCK, END);
        expect(ask.isDirty(BLOCK, END)).to.equal(true);
        expect([ask.allDirty(0, BLOCK), ask.allDirty(0, BLOCK + 1)]).to.deep.equal([true, false]);
        expect([ask.includesClean(0, END), ask.includesClean(2 * BLOCK, END)]).to.deep.equal([7, 0]);
        for (const [name, query] of Object.entries(ask)) {
          expectThrow(() => query(END - 1, END + 1), RangeError, name, 'past the end of RAM, 1048576 (0x100000)');
        }
      });

      it('refuses what is no number, and in debug mode what is no integer', () => {
        expectThrow(() => vcpu.mark('0' as never), TypeError, 'mark: address must be a number');
        expectThrow(() => vcpu.markPage('0' as never, VGA), TypeError, 'markPage: page must be a number');
        if (!debug) return;
        expectThrow(() => vcpu.mark(0.5), RangeError, 'mark: address', 'debug mode');
        expectThrow(() => vcpu.markPage(0.5, VGA), RangeError, 'markPage: page', 'debug mode');
      });

      it('answers for no bytes, wherever they are', () => {
        expect([ask.isDirty(END + 1, END + 1), ask.allDirty(BLOCK, BLOCK)]).to.deep.equal([false, true]);
      });

      it('takes nothing for a block that is not in its tables, whatever the arena has elsewhere', () => {
        const { words, regions } = engineOf(memory).arena;
        const unused = words.length >>> 5;
        expect(unused * 4).to.be.greaterThan(regions.heap * 4 + memory.stats().arenaBytesInUse);
        words.fill(unused, words.length, 2 ** 30);
        expectThrow(() => vcpu.mark(BLOCK * PAGE), RangeError, 'mark', 'no RAM');
        expectThrow(() => markPages(BLOCK, BLOCK + 2), RangeError, 'markRange', 'no RAM');
      });
    });
  }

  it('loads no root for what its tables cover, and the roots once before it refuses', () => {
    memory = smallEngine();
    plug(0, END);
    vcpu = attachVcpu(memory.handle);
    const looks = (call: () => unknown): number => accessesOf(call).load.filter((at) => at === Header.Roots).length;
    const covered = (): void => {
      markPages(0, END);
      vcpu.mark(0);
      vcpu.markPage(BLOCK, VGA);
      for (const query of Object.values(ask)) query(0, END);
    };
    expect(looks(covered)).to.equal(0);
    expect(looks(() => expectThrow(() => markPages(0, END + 1), RangeError, 'markRange'))).to.equal(1);
    expect(looks(() => expectThrow(() => ask.isDirty(0, END + 1), RangeError, 'isDirty'))).to.equal(1);
  });

  it('finds RAM that was plugged in its interval', () => {
    for (const [title, call] of [
      ['mark', () => vcpu.mark((2 * BLOCK - 1) * PAGE)],
      ['markPage, of a fraction', () => vcpu.markPage(2 * BLOCK - 0.1, VGA)],
      ['markRange', () => markPages(0, 2 * BLOCK)],
      ['includesClean', () => ask.includesClean(0, 2 * BLOCK)],
    ] as const) {
      memory = smallEngine({ debug: false });
      plug(0, BLOCK);
      vcpu = foreignVcpu(memory);
      plug(BLOCK, BLOCK);
      expect(call(), title).to.equal(0);
    }
  });

  it('is told that its tables were freed, when it was taken for gone', async () => {
    memory = smallEngine();
    plug(0, 1);
    vcpu = foreignVcpu(memory);
    engineOf(memory).arena.words.store(vcpu.slot + Slot.State, OFFLINE);
    plug(BLOCK, BLOCK);
    await memory.rcu.synchronize();
    for (const [name, call] of [
      ['mark', () => vcpu.mark(BLOCK * PAGE)],
      ['markPage', () => vcpu.markPage(BLOCK, VGA)],
      ['markRange', () => markPages(0, 1)],
      ['isDirty', () => ask.isDirty(BLOCK, BLOCK + 1)],
    ] as const) {
      expectThrow(call, CorruptionError, `${name}: reader 'foreign' holds a block table that was freed`);
    }
  });

  it('is told that the engine has no RAM, that it is closed, or that its memory was grown', async () => {
    const wasm = new WebAssembly.Memory({ initial: 2 });
    memory = smallEngine({ memory: wasm, shared: false, debug: false });
    vcpu = attachVcpu(memory.handle);
    const refused = (error: ErrorConstructor | typeof UsageError, why: string): void => {
      expectThrow(() => vcpu.mark(0), error, 'mark', why);
      expectThrow(() => vcpu.markPage(0, VGA), error, 'markPage', why);
      expectThrow(() => markPages(0, 2), error, 'markRange', why);
    };
    refused(RangeError, 'no RAM is plugged');
    plug(0, BLOCK);
    vcpu.mark(0);
    await memory.close();
    vcpu.quiescent();
    refused(UsageError, 'the engine is closed');
    wasm.grow(1);
    refused(UsageError, 'has been grown');
    vcpu.detach();
    expectThrow(() => markPages(0, 0), UsageError, 'markRange', 'detached');
  });

  it('counts for dirty rates what a range turns for MIGRATION', () => {
    memory = smallEngine();
    plug(0, END);
    cleanAll(memory);
    vcpu = attachVcpu(memory.handle);
    markPages(60, 70, MIGRATION);
    markPages(50, 150, MIGRATION);
    markPages(0, END, VGA | CODE);
    vcpu.goOffline();
    expect(engineOf(memory).arena.words.get(vcpu.meter + Meter.Dirtied)).to.equal(100);
  });

  for (const tracked of [VGA, 7]) {
    it(`keeps that block until many marks in a row were of another one, tracking ${tracked}`, () => {
      memory = smallEngine({ tracked, debug: false });
      plug(0, END);
      if (tracked === 7) cleanAll(memory);
      else memory.whileStopped.harvest(VGA).set.dispose();
      vcpu = attachVcpu(memory.handle);
      const tables = vcpu.cachedTables.map((table) => table + Table.Entries);
      const looksIntoTables = (page: number): boolean => {
        const read = accessesOf(() => expect(vcpu.mark(page * PAGE), 'dirty already').to.equal(0)).get;
        return read.some((word) => tables.some((entries) => word >= entries && word < entries + END / BLOCK));
      };
      const [zero, secondWord, kept] = [0, BLOCK + 36, 2 * BLOCK];
      for (const page of [zero, secondWord, kept]) vcpu.mark(page * PAGE);
      for (let round = 0; round < 10; round++) {
        for (const page of [zero, secondWord]) {
          for (let i = 0; i < 3; i++) expect(looksIntoTables(page)).to.equal(true);
          expect(looksIntoTables(kept)).to.equal(false);
        }
      }
      for (let i = 0; i < 20; i++) vcpu.mark(secondWord * PAGE);
      expect([looksIntoTables(secondWord), looksIntoTables(kept)]).to.deep.equal([false, true]);
    });
  }
});

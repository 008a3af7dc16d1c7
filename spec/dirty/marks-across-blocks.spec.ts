/**
 * `mark`, `markPage` and `markRange` take other ways outside the bitmap block that the vCPU has cached. Here each way
 * is taken with every set of tracked clients, against a list of what must be dirty.
 */
import { expect } from 'chai';
import { Words } from '../../lib/arena/words.js';
import { CODE, type DirtyMemory, MIGRATION, VGA } from '../../lib/index.js';
import { Choices } from '../../lib/stress/plan.js';
import { attachVcpu, type Vcpu } from '../../lib/vcpu.js';
import { CLIENTS, collectAtOnce, dirtyPages, PAGE, smallEngine } from '../support/engines.js';
import { expectThrow } from '../support/refusals.js';

/** Pages of a bitmap block: so many that the words of one follow those of another at once. */
const BLOCK = 512;
const BLOCKS = 5;
const PAGES = BLOCKS * BLOCK - 20;

describe('marks that jump between bitmap blocks', () => {
  let memory: DirtyMemory;
  let vcpu: Vcpu;

  const clean = (tracked: number): void => {
    for (const client of CLIENTS) if ((tracked & client) !== 0) collectAtOnce(memory, client).dispose();
  };
  const open = (tracked: number): void => {
    memory = smallEngine({ tracked, debug: false, pagesPerBlock: BLOCK });
    memory.ram.plug({ id: 'ram', size: PAGES * PAGE });
    clean(tracked);
    vcpu = attachVcpu(memory.handle);
  };
  const dirty = (client: (typeof CLIENTS)[number]): number[] => dirtyPages(memory, client);

  for (const tracked of [1, 2, 4, 3, 5, 6, 7]) {
    it(`set what is clear, and tell once that it turned, tracking ${tracked}`, () => {
      open(tracked);
      const choices = new Choices(tracked);
      const below = (limit: number): number => choices.between(0, limit - 1);
      const expected = new Map(CLIENTS.map((client) => [client, new Set<number>()]));
      const mark = (page: number, mask: number): number => {
        let turned = 0;
        for (const client of CLIENTS) {
          if ((mask & tracked & client) === 0 || expected.get(client)?.has(page)) continue;
          expected.get(client)?.add(page);
          turned |= client;
        }
        return turned;
      };
      for (let i = 0; i < 3000; i++) {
        if (i % 500 === 499) {
          clean(tracked);
          for (const pages of expected.values()) pages.clear();
        }
        if (i % 70 === 69) vcpu.quiescent();
        // Runs of marks in one block, some longer and some shorter than it takes to move the cache.
        const block = below(4) === 0 ? below(BLOCKS) : (i >>> 4) % BLOCKS;
        const page = block * BLOCK + below(40);
        const kind = below(4);
        if (kind < 2) expect(vcpu.mark(page * PAGE + below(PAGE))).to.equal(mark(page, 7));
        else if (kind === 2) {
          const client = CLIENTS[below(3)] as (typeof CLIENTS)[number];
          expect(vcpu.markPage(page, client)).to.equal(mark(page, client));
        } else {
          const start = below(PAGE);
          const mask = 1 + below(7);
          const turned = vcpu.markRange(page * PAGE + start, 1 + below(PAGE - start), mask);
          expect(turned).to.equal(mark(page, mask));
        }
      }
      for (const client of CLIENTS) {
        if ((tracked & client) === 0) continue;
        expect(dirty(client)).to.deep.equal([...(expected.get(client) as Set<number>)].sort((a, b) => a - b));
      }
    });
  }

  it('go through the tables to another block until that one is dirty, and refuse what is no RAM all the same', () => {
    open(7);
    vcpu.mark(0);
    for (let i = 0; i < 20; i++) {
      for (const page of [PAGES, PAGES + BLOCK, 2 ** 20]) expectThrow(() => vcpu.mark(page * PAGE), RangeError, 'mark');
      expect(vcpu.mark(BLOCK * PAGE), 'clean, and then dirty').to.equal(i === 0 ? 7 : 0);
    }
  });

  it('see RAM plugged in the interval, and not what was unplugged', async () => {
    open(7);
    vcpu.mark(0);
    const start = 6 * BLOCK * PAGE;
    expectThrow(() => vcpu.mark(start), RangeError, 'mark');
    const block = memory.ram.plug({ id: 'dimm', size: BLOCK * PAGE, offset: start });
    expect(vcpu.mark(start + PAGE), 'plugged RAM is dirty').to.equal(0);
    vcpu.mark(0);
    await memory.ram.unplug(block);
    vcpu.mark(0);
    expectThrow(() => vcpu.mark(start + PAGE), RangeError, 'mark');
  });

  it('take the block of a one-page range as their own', () => {
    open(7);
    for (const page of [0, BLOCK, 2 * BLOCK]) {
      expect(vcpu.markRange(page * PAGE, PAGE, MIGRATION)).to.equal(MIGRATION);
      expect(vcpu.markRange(page * PAGE + 5, 8, MIGRATION | VGA)).to.equal(VGA);
      expect(vcpu.mark(page * PAGE)).to.equal(CODE);
    }
  });

  it('of one client tell one thread alone that the page turned', () => {
    open(7);
    const other = attachVcpu(memory.handle);
    vcpu.mark(0);
    other.mark(0);
    const { or } = Words.prototype;
    try {
      Words.prototype.or = function (...args) {
        Words.prototype.or = or;
        expect(other.markPage(1, CODE)).to.equal(CODE);
        return this.or(...args);
      };
      expect(vcpu.markPage(1, CODE)).to.equal(0);
    } finally {
      Words.prototype.or = or;
    }
  });

  it('of a range refuse in the cached block what they refuse elsewhere', () => {
    open(7);
    const wrong: [start: unknown, length: unknown, mask: unknown, error: ErrorConstructor][] = [
      ['0', 4, 7, TypeError],
      [null, 4, 7, TypeError],
      [0n, 4, 7, TypeError],
      [Symbol('0'), 4, 7, TypeError],
      [0, '4', 7, TypeError],
      [0, 4n, 7, TypeError],
      [0, 4, '7', TypeError],
      [0, 4, 8, RangeError],
      [0, 4, 0, RangeError],
      [0, 4, 1.5, RangeError],
      [0.5, 4, 7, RangeError],
      [0, 4.5, 7, RangeError],
      [0, -1, 7, RangeError],
      [Number.NaN, 4, 7, RangeError],
      [0, Number.NaN, 7, RangeError],
    ];
    const markRange = vcpu.markRange.bind(vcpu) as (...of: unknown[]) => number;
    for (const cached of [true, false]) {
      vcpu.mark(cached ? 0 : BLOCK * PAGE);
      for (const [start, length, mask, error] of wrong) expectThrow(() => markRange(start, length, mask), error, '');
    }
    expect(vcpu.mark(5 * PAGE), 'clean, so its block is the cached one').to.equal(7);
    expect(vcpu.markRange(5 * PAGE, 0, 7)).to.equal(0);
    expect(vcpu.markRange(6 * PAGE - 1, 2, 7), 'two pages').to.equal(7);
    expect(dirty(VGA)).to.deep.equal([0, 5, 6, BLOCK]);
  });
});

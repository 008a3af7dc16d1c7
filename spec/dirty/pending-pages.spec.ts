/** The pages that a user has yet to collect, by themselves, beside sets of numbers. */
import { expect } from 'chai';
import fc from 'fast-check';
import { EVERYTHING, type PageRange } from '../../lib/dirty/page-range.js';
import { PageRanges } from '../../lib/dirty/page-ranges.js';
import { PageSet } from '../../lib/dirty/page-set.js';
import { PendingPages } from '../../lib/dirty/pending-pages.js';
import { engineOf } from '../../lib/dirty-memory.js';
import { ArenaFullError, type DirtyMemory, UsageError } from '../../lib/index.js';
import { pagesOf, range, smallEngine } from '../support/engines.js';
import { expectThrow } from '../support/refusals.js';

const PAGES = 300;
/** 64 pages a bitmap block: the second block and the third have RAM at one end only. */
const RAM: readonly PageRange[] = [
  { first: 0, end: 100 },
  { first: 180, end: PAGES },
];
const BLOCKS = range(0, 5);

const blockOf = (page: number): number => Math.floor(page / 64);
const pagesIn = (ranges: Iterable<PageRange>): number[] =>
  [...ranges].flatMap(({ first, end }) => {
    expect(first, 'no range is empty').to.be.below(end);
    return range(first, end);
  });
const ascending = (pages: Iterable<number>): number[] => [...pages].sort((a, b) => a - b);

const anyRange = fc
  .tuple(fc.nat(PAGES), fc.oneof(fc.constant(1), fc.nat(20), fc.nat(200)))
  .map(([first, length]) => ({ first, end: first + length }));
const anyPages = fc
  .tuple(fc.array(fc.nat(PAGES), { maxLength: 5 }), anyRange)
  .map(([pages, { first, end }]) => [...pages, ...range(first, end)]);
const anyStep = fc.oneof(
  fc.record({ kind: fc.constant('add' as const), pages: anyPages }),
  fc.record({ kind: fc.constant('move' as const), moved: anyRange }),
  fc.record({ kind: fc.constant('forget' as const), gone: anyRange }),
  fc.record({ kind: fc.constant('choose' as const), most: fc.nat(60), from: fc.nat(PAGES) }),
  fc.record({ kind: fc.constant('move' as const), moved: fc.constant(EVERYTHING) }),
);

describe('the pages that a user has yet to collect', () => {
  let memory: DirtyMemory;
  let ram: PageRanges;
  let pending: PendingPages;
  let emptyBytes: number;

  const bytes = (): number => memory.stats().arenaBytesInUse;
  const emptySet = (): PageSet => new PageSet(engineOf(memory).store, 'spec');
  const setOf = (pages: readonly number[]): PageSet => {
    const set = emptySet();
    for (const page of pages) set.addRange({ first: page, end: page + 1 });
    return set;
  };

  const setUp = (): void => {
    ram = new PageRanges();
    for (const part of RAM) ram.add(part);
    pending = new PendingPages(engineOf(memory).store, ram, 'a user');
  };

  before(() => {
    memory = smallEngine();
    emptyBytes = bytes();
  });
  beforeEach(setUp);
  after(() => memory.close());

  /** There is no room for any block, or from the `nth` on. */
  const withoutRoom = <T>(body: () => T, nth = 0): T => {
    const { allocator } = engineOf(memory);
    const { allocateBlock } = allocator;
    let blocks = 0;
    allocator.allocateBlock = (purpose) => {
      if (blocks++ >= nth) throw new ArenaFullError(`${purpose}: injected`);
      return allocateBlock.call(allocator, purpose);
    };
    try {
      return body();
    } finally {
      Reflect.deleteProperty(allocator, 'allocateBlock');
    }
  };

  /** Another user has collected these pages. What room was made for needs no more. */
  const add = (pages: readonly number[]): void => {
    const taken = setOf(pages);
    pending.reserveFor(taken, 'spec', () => true);
    withoutRoom(() => pending.add(taken, () => true));
    taken.dispose();
  };
  const move = (moved: PageRange | PageSet): number[] => {
    const into = emptySet();
    pending.reserveMove(moved, into);
    withoutRoom(() => pending.moveTo(moved, into));
    const pages = pagesOf(into);
    into.dispose();
    return pages;
  };

  it('are those of a set of numbers, and need room only where it was made for them', () => {
    const isRam = (page: number): boolean => ram.contains({ first: page, end: page + 1 });
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 12 }), anyRange, (steps, asked) => {
        setUp();
        const model = new Set(pagesIn(RAM));
        let hasCollected = false;
        const taken = (pages: readonly number[]): number[] => pages.filter((page) => model.delete(page));
        for (const step of steps) {
          if (step.kind === 'add') {
            const pages = step.pages.filter(isRam);
            add(pages);
            for (const page of pages) model.add(page);
          } else if (step.kind === 'forget') {
            ram.remove(step.gone);
            pending.forget(step.gone);
            taken(range(step.gone.first, step.gone.end));
          } else if (step.kind === 'choose') {
            const { chosen, reached } = pending.choose(step.most, step.from, 'spec');
            const around = [...range(step.from, PAGES), ...range(0, step.from)].filter((page) => model.has(page));
            const first = around.slice(0, step.most);
            const pages = pagesOf(chosen);
            expect(pages).to.deep.equal(ascending(first));
            expect(reached, 'behind the last one').to.equal((first.at(-1) ?? step.from - 1) + 1);
            expect(pending.pages, 'those that are chosen stay').to.equal(model.size);
            expect(move(chosen)).to.deep.equal(ascending(taken(pages)));
            chosen.dispose();
          } else {
            const { first, end } = step.moved;
            expect(move(step.moved)).to.deep.equal(taken(range(first, Math.min(end, PAGES))));
            hasCollected ||= step.moved === EVERYTHING;
          }
          expect(pending.pages).to.equal(model.size);
          expect(pagesIn(pending.within(EVERYTHING))).to.deep.equal(ascending(model));
          const within = [...model].filter((page) => asked.first <= page && page < asked.end);
          expect(pagesIn(pending.within(asked))).to.deep.equal(ascending(within));
          for (const number of BLOCKS) {
            const has = [...model].some((page) => blockOf(page) === number);
            if (hasCollected && !has) continue;
            expect([pending.hasBlock(number), pending.lacks(number)]).to.deep.equal([hasCollected, false]);
          }
        }
        pending.dispose();
        expect(bytes(), 'all memory is given back').to.equal(emptyBytes);
      }),
      { numRuns: 150 },
    );
  });

  it('take room from when others collect until they are collected or their RAM is gone', () => {
    add([5]);
    expect(pending.takesRoom, 'all RAM').to.equal(false);
    const into = emptySet();
    pending.reserveMove(EVERYTHING, into);
    expect(pending.takesRoom, 'all RAM, about to be collected').to.equal(false);
    into.dispose();
    move(EVERYTHING);
    expect(pending.takesRoom).to.equal(false);
    add([5, 70]);
    expect(pending.takesRoom).to.equal(true);
    expect(BLOCKS.filter((number) => pending.hasBlock(number))).to.deep.equal([0, 1]);
    pending.forget({ first: 0, end: 64 });
    expect(pending.takesRoom, 'one page is left').to.equal(true);
    expect(pending.pages).to.equal(1);
    pending.forget({ first: 70, end: 71 });
    expect([pending.takesRoom, bytes()]).to.deep.equal([false, emptyBytes]);
    add([5]);
    expect(move(EVERYTHING)).to.deep.equal([5]);
    expect([pending.takesRoom, bytes()]).to.deep.equal([false, emptyBytes]);
  });

  it('need no room for all to be collected: they are handed over as they are', () => {
    move(EVERYTHING);
    add([5, 70]);
    const before = bytes();
    const into = emptySet();
    withoutRoom(() => pending.reserveMove(EVERYTHING, into));
    pending.moveTo(EVERYTHING, into);
    expect(bytes()).to.equal(before);
    into.dispose();
  });

  it('take no room for what was chosen and is collected before the choice is moved', () => {
    move(EVERYTHING);
    add([5, 70]);
    const { chosen } = pending.choose(2, 0, 'spec');
    expect(move(EVERYTHING)).to.deep.equal([5, 70]);
    move(chosen);
    chosen.dispose();
    expect([pending.pages, pending.takesRoom]).to.deep.equal([0, false]);
  });

  it('keep no room for a choice that finds too little', () => {
    expect(() => withoutRoom(() => pending.choose(PAGES, 0, 'spec'), 2)).to.throw(ArenaFullError, 'injected');
    expect(bytes()).to.equal(emptyBytes);
  });

  it('whose room is not there are told of by their user and number, and no other error is taken for that', () => {
    move(EVERYTHING);
    add([5, 6]);
    const taken = setOf([70]);
    const reserve = () => pending.reserveFor(taken, 'harvest', () => true);
    expectThrow(
      () => withoutRoom(reserve),
      ArenaFullError,
      "harvest: no room for the pages that 'a user'",
      '(2 so far)',
    );
    taken.dispose();
    expectThrow(reserve, UsageError, 'disposed');
    pending.dispose();
  });
});

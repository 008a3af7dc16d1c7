import { expect } from 'chai';
import fc from 'fast-check';
import { RUN_CAPACITY } from '../../lib/arena/layout.js';
import type { Kernel } from '../../lib/bitmap/kernel.js';
import { openEngine } from '../../lib/dirty-memory.js';
import { ArenaFullError, type DirtyMemory, type PageSet, type RamPlace, UsageError, VGA } from '../../lib/index.js';
import { shippedParts } from '../../lib/parts.js';
import { cleanAll, describeEngines, PAGE, pagesOf, range, smallEngine } from '../support/engines.js';
import { runsOf } from '../support/memory-model.js';
import { expectThrow } from '../support/refusals.js';

const PAGES = 1024;
/** Four bitmap blocks, each with room for more runs than a batch has. */
const PAGES_PER_BLOCK = 256;

function add(memory: DirtyMemory, set: PageSet, pages: readonly number[]): void {
  for (const page of pages) memory.setDirty(page * PAGE, VGA);
  memory.whileStopped.harvest(VGA, { into: set });
}

function setWith(memory: DirtyMemory, pages: readonly number[]): PageSet {
  const set = memory.createPageSet();
  add(memory, set, pages);
  return set;
}

/** What a walk must give: it looks at the set as it is at each step, from where the last run ended. */
class ModelWalk {
  private page = 0;
  private readonly pages: ReadonlySet<number>;

  constructor(pages: ReadonlySet<number>) {
    this.pages = pages;
  }

  next(): { start: number; length: number } | undefined {
    while (this.page < PAGES && !this.pages.has(this.page)) this.page += 1;
    const first = this.page;
    while (this.pages.has(this.page)) this.page += 1;
    return this.page === first ? undefined : { start: first * PAGE, length: (this.page - first) * PAGE };
  }
}

const everySecond = range(0, PAGES / 2).map((n) => 2 * n);
const firstOfBlocks = range(0, PAGES / PAGES_PER_BLOCK).map((n) => n * PAGES_PER_BLOCK);

/** Stretches at and around the borders of blocks and words, and pages that stand alone. */
const anyPages = fc
  .array(
    fc.oneof(
      fc.tuple(fc.nat(PAGES - 1), fc.nat(3), fc.constant(1)),
      fc.tuple(fc.nat(PAGES - 1), fc.nat(600), fc.constant(1)),
      fc.tuple(fc.nat(PAGES - 1), fc.nat(400), fc.constantFrom(2, 3, 33)),
    ),
    { maxLength: 5 },
  )
  .map((stretches) => [
    ...new Set(
      stretches.flatMap(([first, length, step]) =>
        range(0, Math.ceil(length / step))
          .map((n) => first + n * step)
          .filter((page) => page < PAGES),
      ),
    ),
  ]);

const anyStep = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('next' as const), walk: fc.nat(2), steps: fc.nat(40) }) },
  fc.record({ kind: fc.constant('delete' as const), first: fc.nat(PAGES - 1), pages: fc.nat(300) }),
  fc.record({ kind: fc.constant('add' as const), pages: anyPages }),
);

for (const kernel of ['wasm', 'atomics'] as const) {
  describeEngines(`the runs of a page set, by the kernel '${kernel}'`, (shared) => {
    let memory: DirtyMemory;

    beforeEach(() => {
      memory = smallEngine({ kernel, pagesPerBlock: PAGES_PER_BLOCK });
      memory.ram.plug({ id: 'ram', size: PAGES * PAGE });
      cleanAll(memory);
    });

    it('are those of a set of numbers, however many there are', () => {
      fc.assert(
        fc.property(anyPages, (pages) => {
          const set = setWith(memory, pages);
          expect([...set.runs()]).to.deep.equal(runsOf(new Set(pages), PAGE));
          set.dispose();
        }),
        { numRuns: 300 },
      );
    });

    it('follow the set through any changes between the steps of several walks', () => {
      fc.assert(
        fc.property(anyPages, fc.array(anyStep, { maxLength: 30 }), (pages, steps) => {
          // A walk comes to the blocks that the set had at its beginning: it has all of them.
          const model = new Set([...firstOfBlocks, ...pages]);
          const set = setWith(memory, [...model]);
          const walks = [0, 1, 2].map(() => ({ real: set.runs(), model: new ModelWalk(model) }));
          const step = (walk: (typeof walks)[number]): boolean => {
            const { value } = walk.real.next();
            expect(value).to.deep.equal(walk.model.next());
            return value !== undefined;
          };
          for (const walk of walks) step(walk);
          for (const one of steps) {
            if (one.kind === 'next') {
              for (let n = 0; n < one.steps && step(walks[one.walk] as (typeof walks)[number]); n++);
            } else if (one.kind === 'delete') {
              set.delete(one.first * PAGE, one.pages * PAGE);
              for (const page of range(one.first, one.first + one.pages)) model.delete(page);
            } else {
              add(memory, set, one.pages);
              for (const page of one.pages) model.add(page);
            }
          }
          set.dispose();
        }),
        { numRuns: 300 },
      );
    });

    it('are one where they reach over the borders of blocks', () => {
      const set = setWith(memory, [...range(200, 900), 1023]);
      expect([...set.runs()]).to.deep.equal([
        { start: 200 * PAGE, length: 700 * PAGE },
        { start: 1023 * PAGE, length: PAGE },
      ]);
      set.delete(256 * PAGE, 256 * PAGE);
      expect(pagesOf(set)).to.deep.equal([...range(200, 256), ...range(512, 900), 1023]);
    });

    it('are not given out where the next one was deleted in between', () => {
      const set = setWith(memory, everySecond);
      const seen: number[] = [];
      for (const { start } of set.runs()) {
        seen.push(start / PAGE);
        set.delete(start + 2 * PAGE, PAGE);
      }
      expect(seen).to.deep.equal(range(0, PAGES / 4).map((n) => 4 * n));
    });

    it('leave out a whole block that was deleted before the walk came there, and end at its border', () => {
      const set = setWith(memory, [0, ...range(200, 600), ...firstOfBlocks.map((page) => page + 255)]);
      for (const block of [1, 2]) {
        const walk = set.runs();
        expect(walk.next().value).to.deep.equal({ start: 0, length: PAGE });
        set.delete(block * PAGES_PER_BLOCK * PAGE, PAGES_PER_BLOCK * PAGE);
        expect([...walk]).to.deep.equal(runsOf(pagesOf(set).slice(1), PAGE));
      }
    });

    it('go on behind a block that was added where the last one ended', () => {
      const set = setWith(memory, [0, ...range(200, PAGES_PER_BLOCK), 2 * PAGES_PER_BLOCK, 2 * PAGES_PER_BLOCK + 20]);
      const walk = set.runs();
      walk.next();
      add(memory, set, range(PAGES_PER_BLOCK, 2 * PAGES_PER_BLOCK));
      const starts = [...walk].map(({ start }) => start / PAGE);
      expect(starts)
        .to.include(200)
        .and.to.include(2 * PAGES_PER_BLOCK + 20);
    });

    it('within a place that is none are refused, with what is wrong with it', () => {
      const set = setWith(memory, everySecond);
      const within = (offset: unknown, size: unknown) => () => set.runs({ block: { offset, size } as RamPlace });
      for (const bad of [-PAGE, PAGE / 2, 2 ** 53]) {
        expectThrow(within(bad, PAGE), RangeError, 'runs: block.offset', bad);
        expectThrow(within(0, bad), RangeError, 'runs: block.size', bad);
      }
      expectThrow(within(PAGE, 2 ** 53 - PAGE), RangeError, 'runs: block.size', 2 ** 53 - PAGE);
      expectThrow(within('0', PAGE), TypeError, 'runs: block.offset');
      expectThrow(within(0, '0'), TypeError, 'runs: block.size');
    });

    it('are walked by whoever deletes each one as it comes', () => {
      const set = setWith(memory, everySecond);
      const seen: number[] = [];
      for (const { start, length } of set.runs()) {
        seen.push(start / PAGE);
        set.delete(start, length);
      }
      expect(seen).to.deep.equal(everySecond);
      expect(set.pages).to.equal(0);
    });

    it('are walked side by side, in two sets of one engine', () => {
      const [even, odd] = [
        setWith(memory, everySecond),
        setWith(
          memory,
          everySecond.map((page) => page + 1),
        ),
      ];
      const seen: number[] = [];
      const other = odd.runs();
      for (const { start } of even.runs()) seen.push(start / PAGE, (other.next().value?.start ?? Number.NaN) / PAGE);
      expect(seen).to.deep.equal(range(0, PAGES));
    });

    it('end for good when the walk is left', () => {
      const set = setWith(memory, everySecond);
      const walk = set.runs();
      for (const { start } of walk) if (start === 6 * PAGE) break;
      expect(walk.next()).to.deep.equal({ done: true, value: undefined });
      expect([...walk]).to.deep.equal([]);
      const early = set.runs();
      expect(early.return?.()).to.deep.equal({ done: true, value: undefined });
      set.dispose();
      expect(early.next()).to.deep.equal({ done: true, value: undefined });
    });

    it('throw at the next step once the set was disposed of, and end then', () => {
      const set = setWith(memory, everySecond);
      const walks = [set.runs(), set.runs()];
      for (const walk of walks) for (let n = 0; n < 3; n++) walk.next();
      set.dispose();
      for (const walk of walks) {
        expectThrow(() => walk.next(), UsageError, 'runs: ', 'disposed');
        expect(walk.next()).to.deep.equal({ done: true, value: undefined });
      }
    });

    it('throw at the next step once the engine is closed', async () => {
      const walk = setWith(memory, everySecond).runs();
      for (let n = 0; n < 3; n++) walk.next();
      await memory.close();
      expectThrow(() => walk.next(), UsageError, 'runs: ', 'closed');
      expect(walk.next()).to.deep.equal({ done: true, value: undefined });
    });

    if (!shared) {
      it('throw at the next step once the memory was grown', async () => {
        const ground = new WebAssembly.Memory({ initial: 2 });
        const engine = smallEngine({ kernel, memory: ground, pagesPerBlock: PAGES_PER_BLOCK });
        engine.ram.plug({ id: 'ram', size: PAGES * PAGE });
        cleanAll(engine);
        const walk = setWith(engine, everySecond).runs();
        for (let n = 0; n < 3; n++) walk.next();
        ground.grow(1);
        expectThrow(() => walk.next(), UsageError, 'runs: ', 'grown');
      });
    }

    it('take nothing from the arena, full as it may be, also where the walk is dropped in the middle', () => {
      const set = setWith(memory, everySecond);
      const others: PageSet[] = [];
      const fill = (): void => {
        for (;;) others.push(setWith(memory, firstOfBlocks));
      };
      expect(fill).to.throw(ArenaFullError);
      const before = memory.stats();
      expect(pagesOf(set)).to.deep.equal(everySecond);
      set.runs().next();
      expect(memory.stats()).to.deep.equal(before);
    });

    it('are asked for one at first, for whoever wants no more, and never more than there is room for', () => {
      const { engine, capacities } = notingEngine(kernel);
      const set = setWith(engine, everySecond);
      set.runs().next();
      expect(capacities).to.deep.equal([1]);
      expect([...set.runs()]).to.have.lengthOf(everySecond.length);
      expect(Math.max(...capacities)).to.equal(RUN_CAPACITY);
      expect(capacities.length).to.be.below(everySecond.length / 8);
    });

    it('are asked for four times as many each time, and only once in a block that has fewer', () => {
      const { engine, capacities } = notingEngine(kernel);
      const set = setWith(engine, firstOfBlocks);
      expect([...set.runs()]).to.have.lengthOf(firstOfBlocks.length);
      expect(capacities, 'the first block, its rest, and the others').to.deep.equal([1, 4, 4, 16, RUN_CAPACITY]);
    });

    it('are asked for one at a time while the set changes at every step', () => {
      const { engine, capacities } = notingEngine(kernel);
      const set = setWith(engine, everySecond);
      for (const { start, length } of set.runs()) set.delete(start, length);
      expect(set.pages).to.equal(0);
      expect(capacities.every((capacity) => capacity === 1)).to.equal(true);
    });
  });
}

/** An engine whose RAM is clean, and a note of how many runs each call of its kernel asks for. */
function notingEngine(kernel: 'wasm' | 'atomics'): { engine: DirtyMemory; capacities: number[] } {
  const capacities: number[] = [];
  const { memory: engine } = openEngine(
    { kernel, pagesPerBlock: PAGES_PER_BLOCK, maxRamBytes: PAGES * PAGE },
    { kernel: (arena) => noting(shippedParts.kernel(arena), capacities) },
  );
  engine.ram.plug({ id: 'ram', size: PAGES * PAGE });
  cleanAll(engine);
  return { engine, capacities };
}

/** The kernel, and a note of how many runs each call asks for. */
function noting(kernel: Kernel, capacities: number[]): Kernel {
  return new Proxy(kernel, {
    get(target, name: keyof Kernel) {
      if (name === 'name') return target.name;
      if (name === 'extractRuns') {
        return (...of: Parameters<Kernel['extractRuns']>) => {
          capacities.push(of[4]);
          return target.extractRuns(...of);
        };
      }
      return target[name].bind(target);
    },
  });
}

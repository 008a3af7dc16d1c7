import { expect } from 'chai';
import { Allocator } from '../../lib/arena/allocator.js';
import { Arena } from '../../lib/arena/arena.js';
import { Header, LINE, MAGIC, Table } from '../../lib/arena/layout.js';
import { Kind, Published } from '../../lib/arena/trace-kinds.js';
import { ArenaFullError, CorruptionError } from '../../lib/base/errors.js';
import { chooseKernel } from '../../lib/bitmap/choose-kernel.js';
import { type AfterGracePeriod, BlockTables } from '../../lib/dirty/block-tables.js';
import { ALL_CLIENTS, CODE, MIGRATION, VGA } from '../../lib/dirty/client.js';
import type { ClientBitmap } from '../../lib/dirty/client-bitmap.js';
import { CLIENTS, range } from '../support/engines.js';
import { expectThrow } from '../support/refusals.js';

const PAGES = 64;
const BLOCK_BYTES = LINE * 4;
const SMALLEST_TABLE_BYTES = LINE * 4;
/** How many entries have room in the smallest table. */
const SMALL = LINE - Table.Entries;

const blocks = (first: number, end: number) => ({ first: first * PAGES, end: end * PAGES });
const keepsNone = (): boolean => false;

function setUp({ tracked = ALL_CLIENTS as number, debug = false } = {}) {
  const { arena } = Arena.create({
    pagesPerBlock: PAGES,
    maxReaders: 1,
    maxRamBytes: 2 ** 24,
    arenaBytes: 2 ** 16,
    debug,
  });
  const allocator = new Allocator(arena, true);
  const kernel = chooseKernel(arena);
  const tables = new BlockTables(arena, allocator, kernel, tracked);
  const { words } = arena;
  const rootOf = ({ root }: ClientBitmap): number => words.load(Header.Roots + root);
  return {
    ...{ arena, allocator, kernel, words, tables },
    roots: () => tables.clients.map(rootOf),
    /** The lengths of the three tables, as readers see them. */
    lengths: () => tables.clients.map((bitmap) => words.get(rootOf(bitmap) + Table.Length)),
    /** The blocks of a client, as readers see them. */
    entries: (bitmap: ClientBitmap) => {
      const table = rootOf(bitmap);
      return range(0, words.get(table + Table.Length)).map((number) => words.get(table + Table.Entries + number));
    },
    grow: (first: number, end: number) => tables.extend(blocks(first, end), true, 'grow')?.(),
    inUse: () => allocator.stats().bytesInUse,
    dirtyIn: (bitmap: ClientBitmap, number: number) =>
      range(0, PAGES).filter((page) => kernel.findSet(bitmap.blockAt(number), page, page + 1) === page).length,
    /** From its `nth` allocation on the arena is full. */
    failFrom: (nth: number) => {
      let count = 0;
      for (const method of ['allocateBlock', 'allocateTable'] as const) {
        const allocate = allocator[method].bind(allocator) as (...of: unknown[]) => number;
        allocator[method] = (...of: unknown[]) => {
          if (count++ >= nth) throw new ArenaFullError('full');
          return allocate(...of);
        };
      }
    },
    /** How many bytes an error about the full arena promises after a grace period. */
    promised: () => {
      let message = '';
      expect(() => {
        for (;;) allocator.allocateBlock('the spec');
      })
        .to.throw(ArenaFullError)
        .with.property('message')
        .satisfies((text: string) => {
          message = text;
          return true;
        });
      return Number(/of which (\d+) are free after a grace period/.exec(message)?.[1] ?? 0);
    },
  };
}

describe('the block tables', () => {
  it('are empty at first, and for clients whose tracking begins before there is RAM', () => {
    const { tables, lengths } = setUp({ tracked: VGA });
    expect(lengths()).to.deep.equal([0, 0, 0]);
    expect(tables).to.include({ extends: 0, shrinks: 0, swaps: 0, blocks: 0, tracked: VGA });
    tables.start(tables.clients[1] as ClientBitmap, [], 'track');
    expect(lengths()).to.deep.equal([0, 0, 0]);
    expect(tables.tracked).to.equal(VGA | CODE);
  });

  it('grow, with the all-zero block where nothing is plugged, and shrink to their last block', () => {
    const { arena, tables, lengths, entries, grow, inUse } = setUp();
    const { zeroBlock } = arena.regions;
    const hasBlocks = (): boolean[] => entries(tables.clients[2] as ClientBitmap).map((block) => block !== zeroBlock);
    const before = inUse();
    grow(1, 3);
    const small = inUse();
    grow(5, 7);
    expect(hasBlocks()).to.deep.equal([false, true, true, false, false, true, true]);
    expect(tables).to.include({ extends: 2, blocks: 4 });
    expect(
      tables.shrink(blocks(3, 7), (number) => number > 4, 'shrink'),
      'nothing to drop',
    ).to.equal(undefined);
    tables.shrink(blocks(1, 7), (number) => number !== 2, 'shrink')?.();
    expect(hasBlocks()).to.deep.equal([false, true, false, false, false, true, true]);
    tables.shrink(blocks(3, 7), keepsNone, 'shrink')?.();
    expect(lengths(), 'a hole before the dropped blocks').to.deep.equal([2, 2, 2]);
    grow(2, 3);
    expect(hasBlocks()).to.deep.equal([false, true, true]);
    expect(inUse()).to.equal(small);
    tables.shrink(blocks(0, 3), keepsNone, 'shrink')?.();
    expect(lengths()).to.deep.equal([0, 0, 0]);
    expect(inUse()).to.equal(before);
    expect(tables).to.include({ extends: 3, shrinks: 3, blocks: 0 });
  });

  it('shrink to a length that fills them, and write nothing past their end', () => {
    const { tables, lengths, entries, grow } = setUp();
    grow(0, SMALL);
    grow(SMALL, SMALL + 1);
    const held = tables.clients.map((bitmap) => entries(bitmap).slice(0, SMALL));
    tables.shrink(blocks(SMALL, SMALL + 1), keepsNone, 'shrink')?.();
    expect(lengths()).to.deep.equal([SMALL, SMALL, SMALL]);
    expect(tables.clients.map(entries)).to.deep.equal(held);
  });

  it('make new RAM dirty for tracked clients, in new blocks and old, and touch nothing else', () => {
    for (const tracked of [ALL_CLIENTS, CODE]) {
      const { words, tables, dirtyIn, kernel } = setUp({ tracked });
      tables.extend({ first: 0, end: 10 }, true, 'grow');
      tables.extend({ first: 20, end: PAGES + 30 }, true, 'grow');
      for (const bitmap of tables.clients) {
        const dirty = [0, 1].map((number) => dirtyIn(bitmap, number));
        expect(dirty).to.deep.equal(bitmap.tracked ? [10 + PAGES - 20, 30] : [PAGES, PAGES]);
      }
      expect(words.get(Header.Magic)).to.equal(MAGIC);
      const code = tables.clients[1] as ClientBitmap;
      expect(kernel.findSet(code.blockAt(0), 10, PAGES)).to.equal(20);
    }
  });

  it('leave new blocks clean where that is asked for', () => {
    const { tables, dirtyIn, inUse } = setUp();
    const before = inUse();
    const release = tables.extend(blocks(0, 2), false, 'grow') as AfterGracePeriod;
    expect(tables.extend(blocks(0, 2), false, 'grow'), 'nothing is missing').to.equal(undefined);
    expect(tables.clients.map((bitmap) => dirtyIn(bitmap, 1))).to.deep.equal([0, 0, 0]);
    release();
    expect(inUse(), 'the old tables are free').to.equal(before + 3 * 2 * BLOCK_BYTES);
  });

  it('give back everything when the arena is full, at whichever allocation, and are as before', () => {
    const operations: Record<string, (tables: BlockTables, client: ClientBitmap) => unknown> = {
      extend: (tables) => tables.extend(blocks(2, 4), true, 'grow'),
      shrink: (tables) => tables.shrink(blocks(1, 2), keepsNone, 'shrink'),
      start: (tables, client) => tables.start(client, [], 'track'),
      stop: (tables) => tables.stop(tables.clients[0] as ClientBitmap, 'stop'),
    };
    const failures: Record<string, number> = { extend: 0, shrink: 0, start: 0, stop: 0 };
    for (const [name, run] of Object.entries(operations)) {
      for (;;) {
        const { tables, roots, grow, inUse, failFrom } = setUp({ tracked: VGA | MIGRATION });
        grow(0, 2);
        const before = { used: inUse(), roots: roots(), blocks: tables.blocks, tracked: tables.tracked };
        failFrom(failures[name] as number);
        try {
          run(tables, tables.clients[1] as ClientBitmap);
          break;
        } catch (error) {
          expect(error).to.be.instanceOf(ArenaFullError);
        }
        const after = { used: inUse(), roots: roots(), blocks: tables.blocks, tracked: tables.tracked };
        expect(after, `${name}, allocation ${failures[name]}`).to.deep.equal(before);
        failures[name] = (failures[name] as number) + 1;
      }
    }
    expect(failures).to.deep.equal({ extend: 2 * 2 + 3, shrink: 3, start: 2 + 1, stop: 1 });
  });

  it('tell the allocator what a grace period will free: old tables and dropped blocks, never the full block', () => {
    const table = SMALLEST_TABLE_BYTES;
    const cases: [name: string, bytes: number, run: (tables: BlockTables) => unknown][] = [
      ['extend', 3 * table, (tables) => tables.extend(blocks(2, 3), true, 'grow')],
      ['shrink', 3 * table + 2 * BLOCK_BYTES, (tables) => tables.shrink(blocks(1, 2), keepsNone, 'shrink')],
      ['stop', table + 2 * BLOCK_BYTES, (tables) => tables.stop(tables.clients[0] as ClientBitmap, 'stop')],
      ['start', table, (tables) => tables.start(tables.clients[1] as ClientBitmap, [], 'track')],
    ];
    for (const [name, bytes, run] of cases) {
      const { tables, grow, promised } = setUp({ tracked: VGA | MIGRATION });
      grow(0, 2);
      run(tables);
      expect(promised(), name).to.equal(bytes);
    }
  });

  it('tell the torture when a table was replaced, and that the current ones were not', () => {
    const { words, tables, roots, grow } = setUp();
    grow(0, 1);
    words.store(Header.Completed, 7);
    for (let times = 0; times < 2; times++) {
      const old = roots();
      const release = tables.extend(blocks(times + 1, times + 2), true, 'grow') as AfterGracePeriod;
      const notes = old.map((table) => [words.get(table + Table.Replaced), words.get(table + Table.ReplacedAt)]);
      expect(notes).to.deep.equal([
        [1, 7],
        [1, 7],
        [1, 7],
      ]);
      expect(roots().map((table) => words.get(table + Table.Replaced))).to.deep.equal([0, 0, 0]);
      release();
    }
  });

  it('have recorded why and for which clients tables are published, before readers can find them', () => {
    const { arena, tables, roots } = setUp({ tracked: VGA | MIGRATION });
    const old = [roots(), roots()];
    const notes: unknown[] = [];
    const note = (...of: number[]): void => {
      notes.push(of);
      expect(roots()).to.deep.equal(old.shift());
    };
    Object.defineProperty(arena, 'recorder', { value: { note } });
    tables.extend(blocks(0, 1), true, 'grow');
    old[0] = roots();
    tables.start(tables.clients[1] as ClientBitmap, [], 'track');
    expect(notes).to.deep.equal([
      [Kind.Publish, Published.Extend, ALL_CLIENTS],
      [Kind.Publish, Published.Track, CODE],
    ]);
  });

  it('tell readers the last page of RAM, but not while there is none: old tables go by the last that was', () => {
    const { words, tables } = setUp();
    const told: number[] = [];
    for (const end of [2 ** 32, 201, 1, 0]) {
      tables.setRamEnd(end);
      told.push(words.load(Header.LastPage) >>> 0);
    }
    expect(told).to.deep.equal([2 ** 32 - 1, 200, 0, 0]);
  });

  it('lead readers to no block after close', () => {
    const { arena, tables, roots, lengths, grow } = setUp();
    grow(0, 2);
    tables.close();
    const { zeroBlock } = arena.regions;
    expect(roots()).to.deep.equal([zeroBlock, zeroBlock, zeroBlock]);
    expect(lengths()).to.deep.equal([0, 0, 0]);
  });

  for (const kind of ['bitmap block', 'block table'] as const) {
    it(`pass on that a freed ${kind} was written to, when a swap finds it`, () => {
      const { words, allocator, tables, grow } = setUp({ debug: true });
      grow(0, 1);
      const block = allocator.allocateBlock('a block');
      const table = allocator.allocateTable(1, 'a table');
      allocator.freeBlock(block);
      allocator.freeTable(table);
      words.set(kind === 'bitmap block' ? block : table + Table.Entries, 1);
      expectThrow(
        () => tables.prepareSwap(tables.clients[0] as ClientBitmap, [0]),
        CorruptionError,
        kind,
        'written to',
      );
    });
  }

  it('tell the owner which entry was written over', () => {
    const { words, tables, roots, grow } = setUp();
    grow(0, 2);
    const code = tables.clients[CLIENTS.indexOf(CODE)] as ClientBitmap;
    const block = code.blockAt(1);
    expect(code.intactBlockAt(1)).to.equal(block);
    words.set((roots()[code.root] as number) + Table.Entries + 1, 77);
    expectThrow(() => code.intactBlockAt(1), CorruptionError, 'CODE', 'entry 1', 77, block);
    expect(code.blockAt(1)).to.equal(block);
  });
});

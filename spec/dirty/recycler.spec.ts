import { expect } from 'chai';
import { Allocator } from '../../lib/arena/allocator.js';
import { Arena } from '../../lib/arena/arena.js';
import { Recycler } from '../../lib/dirty/recycler.js';
import { turn } from '../support/promises.js';

const IDLE_MS = 10_000;

/** A clock that stands until it is moved, and its timers. */
class HandClock {
  timers: { readonly at: number; readonly run: () => void; holdsProcess: boolean }[] = [];
  private readonly setTimeout = globalThis.setTimeout;
  private readonly clearTimeout = globalThis.clearTimeout;
  private readonly now = performance.now;
  private time = 1_000_000;

  constructor() {
    performance.now = () => this.time;
    globalThis.setTimeout = ((run: () => void, milliseconds: number) => {
      const timer = {
        ...{ at: this.time + milliseconds, run, holdsProcess: true },
        unref: () => {
          timer.holdsProcess = false;
        },
      };
      this.timers.push(timer);
      return timer;
    }) as unknown as typeof setTimeout;
    globalThis.clearTimeout = (cleared) => {
      this.timers = this.timers.filter((timer) => timer !== (cleared as unknown));
    };
  }

  pass(milliseconds: number): void {
    this.time += milliseconds;
    const due = this.timers.filter(({ at }) => at <= this.time);
    this.timers = this.timers.filter(({ at }) => at > this.time);
    for (const { run } of due) run();
  }

  remove(): void {
    globalThis.setTimeout = this.setTimeout;
    globalThis.clearTimeout = this.clearTimeout;
    performance.now = this.now;
  }
}

describe('the recycler', () => {
  let clock: HandClock;
  let allocator: Allocator;
  let recycler: Recycler;

  /** Frees blocks, which lie at the top of the heap. */
  const free = (count: number): void => {
    const blocks = Array.from({ length: count }, () => allocator.allocateBlock('a block'));
    for (const block of blocks) allocator.freeBlock(block);
  };
  const freeBlocks = (): number => allocator.stats().freeBlocks;

  const create = (pagesPerBlock: number): void => {
    const { arena } = Arena.create({ pagesPerBlock, maxRamBytes: 2 ** 36 });
    allocator = new Allocator(arena, true);
    recycler = new Recycler(allocator);
  };

  beforeEach(() => {
    clock = new HandClock();
    create(2 ** 20);
  });
  afterEach(() => clock.remove());

  it('zeroes freed blocks in turns of their own, so many words a turn', async () => {
    free(5);
    expect(allocator.stats().zeroedBlocks, 'within the call').to.equal(0);
    await turn();
    expect(allocator.stats().zeroedBlocks, 'words of a block: 2^15, of a turn: 2^16').to.equal(2);
    await turn();
    await turn();
    expect(allocator.stats().zeroedBlocks).to.equal(5);
    free(1);
    await turn();
    expect(allocator.stats().zeroedBlocks, 'begun again').to.equal(5);
  });

  it('zeroes one block a turn where a block has more words than that', async () => {
    create(2 ** 22);
    free(2);
    await turn();
    expect(allocator.stats().zeroedBlocks).to.equal(1);
    await turn();
    expect(allocator.stats().zeroedBlocks).to.equal(2);
  });

  it('leaves neither a turn nor a timer behind when it is closed', async () => {
    free(2);
    recycler.close();
    expect(clock.timers).to.have.lengthOf(0);
    await turn();
    expect(allocator.stats().zeroedBlocks).to.equal(0);
  });

  it('begins neither once it is closed', async () => {
    recycler.close();
    free(2);
    expect(clock.timers).to.have.lengthOf(0);
    await turn();
    expect(allocator.stats().zeroedBlocks).to.equal(0);
  });

  it('gives them back to the heap when none was freed for ten seconds, by one timer at a time', async () => {
    free(1);
    free(3);
    expect(clock.timers).to.have.lengthOf(1);
    await turn();
    await turn();
    clock.pass(IDLE_MS - 1);
    expect(freeBlocks()).to.equal(3);
    clock.pass(1);
    expect(freeBlocks()).to.equal(0);
    expect(clock.timers, 'nothing is left to watch').to.have.lengthOf(0);
  });

  it('puts that off by as long as has passed when another was freed, and watches again later', async () => {
    free(2);
    await turn();
    expect(clock.timers[0]?.holdsProcess).to.equal(false);
    clock.pass(IDLE_MS - 3000);
    free(2);
    await turn();
    clock.pass(3000);
    expect(clock.timers[0]?.holdsProcess).to.equal(false);
    expect(freeBlocks(), 'ten seconds after the first').to.equal(2);
    expect(clock.timers).to.have.lengthOf(1);
    clock.pass(IDLE_MS - 3000 - 1);
    expect(freeBlocks()).to.equal(2);
    clock.pass(1);
    expect(freeBlocks()).to.equal(0);
    free(1);
    await turn();
    clock.pass(IDLE_MS);
    expect(freeBlocks(), 'watched again').to.equal(0);
  });
});

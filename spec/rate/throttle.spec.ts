import { expect } from 'chai';
import type { Arena } from '../../lib/arena/arena.js';
import { Header, Meter } from '../../lib/arena/layout.js';
import { Words } from '../../lib/arena/words.js';
import { RateLimits } from '../../lib/rate/limits.js';
import { Throttle } from '../../lib/rate/throttle.js';
import { BareReader, createArena } from '../support/hand-stepped.js';

/** Of a thread that does not block: what it would block on is on record, and whether it would. */
class Sleepless extends Words {
  private readonly mayBlock: boolean;
  /** Run before each wait. */
  meanwhile: () => void = () => {};
  readonly waits: boolean[] = [];

  constructor(arena: Arena, mayBlock: boolean) {
    super(arena.handle.memory.buffer, arena.handle.byteOffset, arena.words.length);
    this.mayBlock = mayBlock;
  }

  override get canWait(): boolean {
    return this.mayBlock;
  }

  override wait(index: number, expected: number): void {
    this.meanwhile();
    this.waits.push(this.load(index) === expected);
  }
}

describe('A throttle', () => {
  let arena: Arena;
  let reader: BareReader;
  let limits: RateLimits;
  beforeEach(() => {
    arena = createArena(1);
    reader = new BareReader(arena);
    limits = new RateLimits(arena);
  });
  afterEach(() => reader.detach());

  const throttleOn = (words: Words): Throttle => {
    const seen = Object.create(arena, { words: { value: words } }) as Arena;
    return new Throttle(seen, reader.slot);
  };
  const dirty = (pages: number): void => arena.words.set(reader.meter + Meter.Dirtied, pages);

  it('holds nobody whose thread must not block', () => {
    limits.set(1);
    for (const canWait of [true, false]) {
      dirty(0);
      const throttle = throttleOn(new Sleepless(arena, canWait));
      expect(throttle.refresh()).to.equal(canWait);
      dirty(1000);
      expect(throttle.isAhead).to.equal(canWait);
    }
  });

  it('sleeps through no change of a limit that comes when it has looked', () => {
    limits.set(1);
    const words = new Sleepless(arena, true);
    const throttle = throttleOn(words);
    throttle.refresh();
    dirty(1000);
    words.meanwhile = () => {
      if (words.waits.length === 2) limits.set(0);
      if (words.waits.length > 2) throw new Error('it sleeps on');
    };
    throttle.sleep();
    expect(words.waits, 'whether it would have blocked').to.deep.equal([true, true, false]);
    expect(arena.words.get(Header.Limit)).to.equal(0);
  });

  it('sleeps through no change that comes between its two looks', () => {
    limits.set(1);
    const words = new Sleepless(arena, true);
    const throttle = throttleOn(words);
    throttle.refresh();
    dirty(1000);
    const change = (): void => {
      if (arena.words.get(Header.Limit) !== 0) limits.set(0);
    };
    const { get, load } = words;
    words.get = (index) => {
      const found = get.call(words, index);
      if (index === Header.Limit) change();
      return found;
    };
    words.load = (index) => {
      const found = load.call(words, index);
      if (index === Header.LimitChanges) change();
      return found;
    };
    throttle.sleep();
    expect(words.waits).to.deep.equal([]);
  });

  it('holds nobody who has no limit, or none any more', () => {
    const throttle = throttleOn(new Sleepless(arena, true));
    expect(throttle.refresh()).to.equal(false);
    limits.set(1);
    expect(throttle.refresh()).to.equal(true);
    limits.set(0);
    expect(throttle.refresh()).to.equal(false);
    dirty(1000);
    expect(throttle.isAhead).to.equal(false);
  });

  it('lets a reader go on that owes less than a millisecond', () => {
    limits.set(1_000_000);
    const throttle = throttleOn(new Sleepless(arena, true));
    const { now } = performance;
    performance.now = () => 1000;
    try {
      throttle.refresh();
      const owes = (pages: number): boolean => {
        dirty(pages);
        return throttle.isAhead;
      };
      expect([owes(999), owes(1000)]).to.deep.equal([false, true]);
    } finally {
      performance.now = now;
    }
  });
});

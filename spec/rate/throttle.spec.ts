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
});

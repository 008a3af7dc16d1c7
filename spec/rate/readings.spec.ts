import { expect } from 'chai';
import type { Arena } from '../../lib/arena/arena.js';
import { Meter, UNLIMITED } from '../../lib/arena/layout.js';
import { RateLimits } from '../../lib/rate/limits.js';
import { dirtiedSince, isOfOneTenant, type Reading, readCounts, readMeters } from '../../lib/rate/readings.js';
import { BareReader, createArena, interleaved } from '../support/hand-stepped.js';

describe('meters', () => {
  let arena: Arena;
  beforeEach(() => {
    arena = createArena(3);
  });

  const read = (): Reading => readMeters(arena)[0] as Reading;
  const add = (reader: BareReader, word: number, pages: number): void =>
    arena.words.set(reader.meter + word, (arena.words.get(reader.meter + word) + pages) | 0);

  it('count what a reader and its generated code have turned dirty', () => {
    const reader = new BareReader(arena);
    const earlier = read();
    add(reader, Meter.Dirtied, 5);
    add(reader, Meter.Generated, 7);
    expect(dirtiedSince(earlier, read())).to.equal(12);
  });

  it('begin anew with each tenant of a slot', () => {
    const first = new BareReader(arena, 'first');
    add(first, Meter.Dirtied, 5);
    const earlier = read();
    add(first, Meter.Generated, 2);
    first.detach();
    const second = new BareReader(arena, 'second');
    expect(second.meter).to.equal(first.meter);
    expect(dirtiedSince(earlier, read())).to.equal(0);
    expect(dirtiedSince(undefined, read())).to.equal(0);
    add(second, Meter.Generated, 3);
    expect(dirtiedSince(earlier, read())).to.equal(3);
    expect(dirtiedSince(undefined, read())).to.equal(3);
  });

  it('are of one tenant while its identity, its name and where its count began stay', () => {
    const reader = new BareReader(arena, 'first', 1);
    const earlier = read();
    add(reader, Meter.Dirtied, 5);
    expect(isOfOneTenant(earlier, read())).to.equal(true);
    reader.detach();
    const another = (name: string, identity: number): boolean => {
      const next = new BareReader(arena, name, identity);
      const same = isOfOneTenant({ ...earlier, before: read().before }, read());
      next.detach();
      return same;
    };
    expect([another('first', 2), another('second', 1)]).to.deep.equal([false, false]);
    const again = new BareReader(arena, 'first', 1);
    expect(isOfOneTenant(earlier, read()), 'it has left and come again').to.equal(false);
    again.detach();
  });

  it('count the pages of each slot, also of tenants that have left', () => {
    const readers = [1, 2, 3].map((identity) => new BareReader(arena, 'reader', identity));
    readers.forEach((reader, i) => {
      add(reader, Meter.Dirtied, 10 ** i);
    });
    readers[1]?.detach();
    expect([...readCounts(arena)]).to.deep.equal([1, 10, 100]);
    readers[0]?.detach();
    readers[2]?.detach();
  });

  it('go on counting when they wrap', () => {
    const reader = new BareReader(arena);
    add(reader, Meter.Dirtied, 2 ** 31 - 3);
    const earlier = read();
    add(reader, Meter.Dirtied, 10);
    expect(dirtiedSince(earlier, read())).to.equal(10);
    add(reader, Meter.Dirtied, 2 ** 31);
    expect(dirtiedSince(earlier, read())).to.equal(2 ** 31 + 10);
  });

  it('say which limit is in force, of all or of one thread, which ends with its tenant', () => {
    const limits = new RateLimits(arena);
    const [one, two] = [new BareReader(arena, 'one', 1), new BareReader(arena, 'two', 2)];
    const all = (): number[] => readMeters(arena).map(({ limit }) => limit);
    expect([limits.set(9), all()]).to.deep.equal([2, [9, 9]]);
    expect([limits.set(4, 2), all()]).to.deep.equal([1, [9, 4]]);
    expect([limits.set(0, 1), all()]).to.deep.equal([1, [0, 4]]);
    expect(arena.words.get(one.meter + Meter.Limit)).to.equal(UNLIMITED);
    two.detach();
    const next = new BareReader(arena, 'next', 2);
    expect(all()).to.deep.equal([0, 9]);
    expect([limits.set(0), all()]).to.deep.equal([2, [0, 0]]);
    one.detach();
    next.detach();
  });

  it('leave no limit to the next tenant, however it is set while one leaves', () => {
    const limits = new RateLimits(arena);
    const { arena: readers, words } = interleaved(arena);
    for (let step = 0, steps = 1; step < steps; step++) {
      const leaving = new BareReader(readers, 'leaving', 1);
      steps = 0;
      words.before = () => {
        if (steps++ === step) limits.set(9, 1);
      };
      leaving.detach();
      words.before = () => {};
      const next = new BareReader(arena, 'next', 2);
      expect([next.meter, read().limit], `set before access ${step}`).to.deep.equal([leaving.meter, 0]);
      next.detach();
    }
  });

  it('keep no limit of a tenant that leaves while it is set', () => {
    const { arena: owners, words } = interleaved(arena);
    const limits = new RateLimits(owners);
    for (let step = 0, steps = 1; step < steps; step++) {
      const leaving = new BareReader(arena, 'leaving', 1);
      let next: BareReader | undefined;
      steps = 0;
      words.before = () => {
        if (steps++ !== step) return;
        leaving.detach();
        next = new BareReader(arena, 'next', 2);
      };
      limits.set(9, 1);
      words.before = () => {};
      expect([next?.meter, read().limit], `gone before access ${step}`).to.deep.equal([leaving.meter, 0]);
      next?.detach();
    }
  });
});

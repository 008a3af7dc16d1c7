import { expect } from 'chai';
import type { Arena } from '../../lib/arena/arena.js';
import { Header, Meter } from '../../lib/arena/layout.js';
import { Words } from '../../lib/arena/words.js';
import { RateLimits } from '../../lib/rate/limits.js';
import { BareReader, createArena } from '../support/hand-stepped.js';

describe('dirty-rate limits', () => {
  let arena: Arena;
  beforeEach(() => {
    arena = createArena(2);
  });

  it('are announced when all are stored, and then whoever sleeps is woken', () => {
    const [one, two] = [new BareReader(arena, 'one', 1), new BareReader(arena, 'two', 2)];
    const done: [string, number][] = [];
    class Noted extends Words {
      override store(index: number, value: number): void {
        done.push(['store', index]);
        super.store(index, value);
      }
      override add(index: number, value: number): number {
        done.push(['add', index]);
        return super.add(index, value);
      }
      override notify(index: number): void {
        done.push(['notify', index]);
        super.notify(index);
      }
    }
    const { memory, byteOffset } = arena.handle;
    const words = new Noted(memory.buffer, byteOffset, arena.words.length);
    const limits = new RateLimits(Object.create(arena, { words: { value: words } }) as Arena);
    const announced = [
      ['add', Header.LimitChanges],
      ['notify', Header.LimitChanges],
    ];
    expect(limits.set(9)).to.equal(2);
    expect(done.splice(0)).to.deep.equal([
      ['store', Header.Limit],
      ['store', one.meter + Meter.Limit],
      ['store', two.meter + Meter.Limit],
      ...announced,
    ]);
    expect(limits.set(4, 2)).to.equal(1);
    expect(done).to.deep.equal([['store', two.meter + Meter.Limit], ...announced]);
    for (const reader of [one, two]) reader.detach();
  });

  it('can be of the thread with the identity 0', () => {
    const reader = new BareReader(arena, 'first', 0);
    expect(new RateLimits(arena).set(4, 0)).to.equal(1);
    expect(arena.words.get(reader.meter + Meter.Limit)).to.equal(4);
    reader.detach();
  });
});

import { expect } from 'chai';
import fc from 'fast-check';
import type { PageRange } from '../../lib/dirty/page-range.js';
import { Holes } from '../../lib/ram/holes.js';

const at = (first: number, pages: number): PageRange => ({ first, end: first + pages });

function placeRam(taken: readonly PageRange[], pages: number, maxPages: number): number | undefined {
  const holes = new Holes(maxPages);
  for (const range of taken) holes.take(range);
  return holes.find(pages);
}

describe('placing RAM', () => {
  it('begins at 0 when there is no other', () => {
    expect(placeRam([], 1, 1)).to.equal(0);
    expect(placeRam([], 2 ** 32, 2 ** 32)).to.equal(0);
  });

  it('takes the smallest hole that fits', () => {
    const taken = [at(0, 64), at(64 + 512, 64), at(640 + 128, 64)];
    expect(placeRam(taken, 128, 4096), 'fits exactly').to.equal(640);
    expect(placeRam(taken, 1, 4096), 'fits the smallest').to.equal(640);
    expect(placeRam(taken, 129, 4096), 'fits the larger').to.equal(64);
    expect(placeRam(taken, 513, 4096), 'fits behind all').to.equal(832);
  });

  it('takes the lowest of holes of one size', () => {
    expect(placeRam([at(0, 64), at(128, 64), at(256, 64)], 64, 320 + 64)).to.equal(64);
  });

  it('counts the hole before the first block', () => {
    expect(placeRam([at(64, 64)], 64, 4096)).to.equal(0);
  });

  it('takes whole words of 64 pages, and measures a hole from there', () => {
    expect(placeRam([at(0, 1)], 10, 4096)).to.equal(64);
    expect(placeRam([at(0, 65), at(192, 64)], 64, 4096)).to.equal(128);
    expect(placeRam([at(0, 65), at(192, 64)], 65, 4096)).to.equal(256);
    expect(placeRam([at(0, 65), at(100, 28)], 1, 4096), 'no multiple of 64 between').to.equal(128);
  });

  it('says so when no hole fits', () => {
    expect(placeRam([at(0, 64)], 65, 128)).to.equal(undefined);
    expect(placeRam([at(0, 100)], 1, 128)).to.equal(undefined);
    const full = new Holes(128);
    full.take(at(0, 128));
    expect(full.largest).to.equal(0);
  });

  it('has the arithmetic for the last pages there can be', () => {
    expect(placeRam([at(0, 2 ** 31)], 2 ** 31, 2 ** 32)).to.equal(2 ** 31);
    expect(placeRam([at(0, 2 ** 32 - 64)], 64, 2 ** 32)).to.equal(2 ** 32 - 64);
    expect(placeRam([at(0, 2 ** 32 - 63)], 1, 2 ** 32)).to.equal(undefined);
  });

  it('never overlaps what is taken, and finds a hole whenever there is one', () => {
    const lengths = fc.array(fc.record({ gap: fc.nat(150), pages: fc.integer({ min: 1, max: 150 }) }), {
      maxLength: 6,
    });
    fc.assert(
      fc.property(lengths, fc.integer({ min: 1, max: 200 }), (some, pages) => {
        const taken: PageRange[] = [];
        for (const { gap, pages: length } of some) taken.push(at((taken.at(-1)?.end ?? 0) + gap, length));
        const free = (first: number): boolean =>
          first + pages <= 2048 && taken.every(({ first: f, end }) => first + pages <= f || end <= first);
        const fitting = Array.from({ length: 32 }, (_, i) => i * 64).filter(free);
        const place = placeRam(taken, pages, 2048);
        if (place === undefined) expect(fitting).to.deep.equal([]);
        else expect(fitting).to.include(place);
      }),
    );
  });

  it('finds after any takings and givings what it would find if only what is taken had ever been', () => {
    const steps = fc.array(fc.tuple(fc.nat(2047), fc.integer({ min: 1, max: 200 })), { maxLength: 40 });
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 400 }), (some, pages) => {
        const holes = new Holes(2048);
        const taken = new Set<PageRange>();
        for (const [first, length] of some) {
          const range = at(first, Math.min(length, 2048 - first));
          const meets = [...taken].filter((other) => other.first < range.end && range.first < other.end);
          expect(holes.isFree(range)).to.equal(meets.length === 0);
          if (meets.length === 0) {
            holes.take(range);
            taken.add(range);
          }
          for (const other of meets) {
            holes.giveBack(other);
            taken.delete(other);
          }
        }
        expect(holes.find(pages)).to.equal(placeRam([...taken], pages, 2048));
        expect(holes.largest).to.equal(mostThatFits([...taken]));
      }),
    );
  });
});

function mostThatFits(taken: readonly PageRange[]): number {
  let pages = 2048;
  while (pages > 0 && placeRam(taken, pages, 2048) === undefined) pages--;
  return pages;
}

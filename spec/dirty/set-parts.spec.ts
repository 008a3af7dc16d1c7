import { expect } from 'chai';
import fc from 'fast-check';
import { PageRanges } from '../../lib/dirty/page-ranges.js';
import { walkSetParts } from '../../lib/dirty/set-parts.js';
import { smallEngine } from '../support/engines.js';

const BASE = 128;
const BITS = 64;
const bits = fc.uniqueArray(fc.nat(BITS - 1));

function ramOf(pages: readonly number[]): PageRanges {
  const ram = new PageRanges();
  for (const page of pages) ram.add({ first: BASE + page, end: BASE + page + 1 });
  return ram;
}

describe('the parts of RAM in which bits are set', () => {
  it('are visited from their first set bit on, within the bits, until the visit stops short', () => {
    fc.assert(
      fc.property(bits, bits, fc.nat(BITS), fc.nat(BITS), fc.nat(BITS), (pages, set, a, b, stop) => {
        const [from, to] = [Math.min(a, b), Math.max(a, b)];
        const ram = ramOf(pages);
        ram.add({ first: BASE + BITS, end: BASE + BITS + 9 }); // the next block's
        const isSet = new Set(set);
        const expected: [number, number][] = [];
        for (const { first, end } of ram.within({ first: BASE + from, end: BASE + to })) {
          const [low, high] = [first - BASE, end - BASE];
          for (let bit = low; bit < high; bit++) {
            if (!isSet.has(bit)) continue;
            expected.push([bit, high]);
            break;
          }
        }
        const stopped = expected.findIndex(([first, end]) => first <= stop && stop < end);
        const find = (first: number, end: number): number => {
          expect(first, 'kernels do not check ranges').to.be.at.most(end);
          while (first < end && !isSet.has(first)) first++;
          return first;
        };
        const visited: [number, number][] = [];
        const reached = walkSetParts(ram, BASE, [from, to], find, (first, end) => {
          visited.push([first, end]);
          return first <= stop && stop < end ? stop : end;
        });
        expect(visited).to.deep.equal(stopped < 0 ? expected : expected.slice(0, stopped + 1));
        expect(reached).to.equal(stopped < 0 ? to : stop);
      }),
      { numRuns: 1000 },
    );
  });

  it('are what a set keeps that is clipped; blocks of which nothing is kept are free again', () => {
    const memory = smallEngine();
    const { arenaBytesInUse } = memory.stats();
    fc.assert(
      fc.property(bits, fc.uniqueArray(fc.nat(4 * BITS)), (pages, members) => {
        const set = memory.createPageSet();
        for (const member of members) set.add(member * memory.pageSize, 1);
        set.clip(ramOf(pages));
        const kept = members.filter((member) => pages.includes(member - BASE)).sort((a, b) => a - b);
        expect(
          [...set.ranges()].flatMap(({ first, end }) => Array.from({ length: end - first }, (_, i) => first + i)),
        ).to.deep.equal(kept);
        expect(set.pages).to.equal(kept.length);
        if (pages.length === 0) expect(set.untouched).to.equal(true);
        set.dispose();
      }),
    );
    expect(memory.stats().arenaBytesInUse).to.equal(arenaBytesInUse);
  });
});

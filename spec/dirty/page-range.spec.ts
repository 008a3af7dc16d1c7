import { expect } from 'chai';
import fc from 'fast-check';
import { eachBlock, intersect, type PageRange, touchedPages } from '../../lib/dirty/page-range.js';
import { expectThrow } from '../support/refusals.js';

const MOST = Number.MAX_SAFE_INTEGER;

describe('touchedPages', () => {
  it('is every page that a byte lies in, and no other', () => {
    const some = fc.record({ start: fc.nat(64), length: fc.nat(64), pageSize: fc.constantFrom(1, 2, 8, 16) });
    fc.assert(
      fc.property(some, ({ start, length, pageSize }) => {
        const pages = new Set(Array.from({ length }, (_, i) => Math.floor((start + i) / pageSize)));
        const { first, end } = touchedPages('spec', start, length, pageSize);
        expect(Array.from({ length: end - first }, (_, i) => first + i)).to.deep.equal([...pages]);
      }),
    );
  });

  it('is right to the last byte below 2^53', () => {
    const big = fc.bigInt({ min: 0n, max: BigInt(MOST) });
    fc.assert(
      fc.property(big, big, fc.integer({ min: 0, max: 30 }), (a, b, shift) => {
        const [start, last] = a < b ? [a, b] : [b, a];
        const { first, end } = touchedPages('spec', Number(start), Number(last - start), 2 ** shift);
        expect(BigInt(first)).to.equal(start >> BigInt(shift));
        expect(BigInt(end)).to.equal(last === start ? start >> BigInt(shift) : ((last - 1n) >> BigInt(shift)) + 1n);
      }),
    );
  });

  it('refuses a length that ends past 2^53', () => {
    expect(touchedPages('spec', MOST - 5, 5, 1)).to.deep.equal({ first: MOST - 5, end: MOST });
    expectThrow(() => touchedPages('spec', MOST - 5, 6, 1), RangeError, 'spec', 'length', 5, 6);
    expectThrow(() => touchedPages('spec', 1, MOST, 4096), RangeError, 'spec', 'length', MOST - 1, MOST);
  });
});

describe('intersect', () => {
  it('has the pages that both have, and is undefined for none', () => {
    const some = fc.tuple(fc.nat(12), fc.nat(12)).map(
      ([a, b]): PageRange => ({
        first: Math.min(a, b),
        end: Math.max(a, b),
      }),
    );
    const pages = ({ first, end }: PageRange): number[] => Array.from({ length: end - first }, (_, i) => first + i);
    fc.assert(
      fc.property(some, some, (a, b) => {
        const both = pages(a).filter((page) => pages(b).includes(page));
        const result = intersect(a, b);
        expect(result === undefined ? undefined : pages(result)).to.deep.equal(both.length === 0 ? undefined : both);
      }),
    );
  });
});

describe('eachBlock', () => {
  it('visits each bitmap block of a range once, in order, with the bits that the range has there', () => {
    const some = fc.record({
      first: fc.oneof(fc.nat(300), fc.integer({ min: 2 ** 31 - 100, max: 2 ** 31 + 100 })),
      pages: fc.nat(300),
      pagesPerBlock: fc.constantFrom(64, 128),
    });
    fc.assert(
      fc.property(some, ({ first, pages, pagesPerBlock }) => {
        const visited: number[] = [];
        const blocks: number[] = [];
        eachBlock({ first, end: first + pages }, pagesPerBlock, (block, from, to) => {
          blocks.push(block);
          expect(from).to.be.below(to);
          expect(to).to.be.at.most(pagesPerBlock);
          for (let bit = from; bit < to; bit++) visited.push(block * pagesPerBlock + bit);
        });
        expect(visited).to.deep.equal(Array.from({ length: pages }, (_, i) => first + i));
        expect(blocks).to.deep.equal([...new Set(blocks)].sort((a, b) => a - b));
      }),
    );
  });
});

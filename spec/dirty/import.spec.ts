import { expect } from 'chai';
import fc from 'fast-check';
import { checkBitmap, importedRanges } from '../../lib/dirty/import.js';
import { expectThrow } from '../support/refusals.js';

const MOST = Number.MAX_SAFE_INTEGER;

describe('checkBitmap', () => {
  const bytes = new Uint8Array(2);
  const check = (bits: unknown, start: unknown, pages: unknown, hostPageSize: unknown) => () =>
    checkBitmap(bits, start, pages, hostPageSize);

  it('takes any view of bytes, and as many pages as it has bits', () => {
    const inner = new Uint16Array(new Uint8Array([9, 9, 1, 2, 9, 9]).buffer, 2, 1);
    for (const [start, pages, hostPageSize] of [
      [0, 0, 1],
      [5, 16, 2 ** 30],
      [MOST - 16 * 4096, 16, 4096],
    ] as const) {
      const bitmap = checkBitmap(inner, start, pages, hostPageSize);
      expect(bitmap).to.deep.equal({ bytes: new Uint8Array([1, 2]), start, pages, hostPageSize });
    }
  });

  it('refuses what is not a view', () => {
    for (const bits of [[1, 2], new ArrayBuffer(2), undefined]) {
      expectThrow(check(bits, 0, 1, 4096), TypeError, 'setDirtyBitmap', 'bits');
    }
  });

  it('refuses more pages than the bitmap has bits', () => {
    expectThrow(check(bytes, 0, 17, 4096), RangeError, 'pages', 17, "at most the bitmap's 16 bits");
  });

  it('refuses pages that end past 2^53', () => {
    expectThrow(check(bytes, MOST - 2 * 4096 + 1, 2, 4096), RangeError, 'pages', 'from 0 to 1');
  });

  it('refuses host pages of 0 bytes, or of more than 2^30', () => {
    for (const size of [0, 3, 2 ** 31]) {
      expectThrow(check(bytes, 0, 1, size), RangeError, 'hostPageSize', size, `from 1 to ${2 ** 30}`);
    }
  });
});

describe('importedRanges', () => {
  it('has the pages that set bits touch, each once and in order, up to the end', () => {
    const some = fc.record({
      bytes: fc.uint8Array({ minLength: 1, maxLength: 4 }),
      unused: fc.nat(7),
      start: fc.nat(40),
      hostPageSize: fc.constantFrom(1, 2, 8, 32),
      end: fc.nat(160),
    });
    const pageSize = 8;
    fc.assert(
      fc.property(some, ({ bytes, unused, start, hostPageSize, end }) => {
        const pages = bytes.length * 8 - unused;
        const touched = new Set<number>();
        for (let byte = 0; byte < pages * hostPageSize; byte++) {
          const bit = Math.floor(byte / hostPageSize);
          const isSet = ((bytes[bit >>> 3] as number) >>> (bit & 7)) & 1;
          const page = Math.floor((start + byte) / pageSize);
          if (isSet && page < end) touched.add(page);
        }
        const imported: number[] = [];
        for (const range of importedRanges({ bytes, start, pages, hostPageSize }, pageSize, end)) {
          expect(range.first, 'the start of a range that is not empty').to.be.below(range.end);
          for (let page = range.first; page < range.end; page++) imported.push(page);
        }
        expect(imported).to.deep.equal([...touched]);
      }),
    );
  });
});

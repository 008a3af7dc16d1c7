import { expect } from 'chai';
import fc from 'fast-check';
import { Ordered } from '../../lib/base/ordered.js';

describe('elements in an order', () => {
  const numbers = (): Ordered<number, number> => new Ordered((a, b) => a - b);

  it('are found as in a sorted array, through many chunks that come and go', () => {
    const steps = fc.array(fc.tuple(fc.integer({ min: 0, max: 3 }), fc.nat(3000)), { minLength: 900, maxLength: 2500 });
    fc.assert(
      fc.property(steps, (some) => {
        const ordered = numbers();
        const model = new Set<number>();
        for (const [kind, value] of some) {
          if (kind === 0) {
            ordered.delete(value);
            model.delete(value);
          } else if (!model.has(value)) {
            ordered.add(value);
            model.add(value);
          }
        }
        const sorted = [...model].sort((a, b) => a - b);
        expect([...ordered]).to.deep.equal(sorted);
        expect(ordered.size).to.equal(sorted.length);
        expect(ordered.last).to.equal(sorted.at(-1));
        for (let probe = -1; probe <= 3001; probe += 7) {
          expect(ordered.atOrAfter(probe)).to.equal(sorted.find((value) => value >= probe));
          expect(ordered.before(probe)).to.equal(sorted.findLast((value) => value < probe));
        }
      }),
      { numRuns: 30 },
    );
  });

  it('are none at first, and none again when all were deleted', () => {
    const ordered = numbers();
    for (let round = 0; round < 2; round++) {
      expect(ordered.last).to.equal(undefined);
      expect(ordered.atOrAfter(0)).to.equal(undefined);
      expect(ordered.before(10)).to.equal(undefined);
      for (let value = 0; value < 1000; value++) ordered.add(value);
      for (let value = 999; value >= 0; value--) ordered.delete(value);
    }
    expect(ordered.size).to.equal(0);
  });
});

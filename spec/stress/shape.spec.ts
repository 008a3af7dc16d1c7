import { expect } from 'chai';
import { type Client, CODE, MIGRATION, VGA } from '../../lib/index.js';
import { maxPagesOf, type Shape, shapeOf } from '../../lib/stress/shape.js';

const plan = { vcpus: 4, seconds: 10, seed: 7, sabotage: undefined, faults: false };
const shapes = (seeds: number): Shape[] => Array.from({ length: seeds }, (_, seed) => shapeOf({ ...plan, seed }));

describe('the shape of a stress run', () => {
  it('varies in every way within the first seeds', () => {
    const kinds = shapes(12);
    for (const key of ['kernel', 'pagesPerBlock', 'shippedSwaps', 'scarce', 'tracked', 'conserved'] as const) {
      expect(new Set(kinds.map((shape) => shape[key])).size, key).to.be.above(1);
    }
  });

  it('has small blocks in most runs, and the shipped threshold wherever blocks are large enough for it', () => {
    const kinds = shapes(300);
    const large = kinds.filter(({ pagesPerBlock }) => pagesPerBlock >= 2 ** 15);
    expect(large.length).to.be.within(60, 140);
    for (const shape of kinds) {
      expect(shape.shippedSwaps).to.equal(shape.pagesPerBlock >= 2 ** 15);
      expect(maxPagesOf(shape) / shape.pagesPerBlock).to.be.at.least(16);
    }
    const conserved = (client: Client): number => kinds.filter((shape) => shape.conserved === client).length;
    for (const client of [VGA, CODE, MIGRATION]) expect(conserved(client)).to.be.within(70, 130);
    expect(kinds.filter(({ scarce }) => scarce).length).to.be.within(60, 140);
  });

  it('counts no pages where threads are killed', () => {
    expect(shapeOf({ ...plan, faults: true }).conserved).to.equal(undefined);
  });

  it('is as the plan says, then as a planted bug needs it, and of small blocks with plenty of room else', () => {
    const planted = { ...plan, sabotage: 'some-bug' };
    for (let seed = 0; seed < 20; seed++) {
      expect(shapeOf({ ...planted, seed })).to.include({ pagesPerBlock: 64, scarce: false, conserved: undefined });
    }
    const shows = { scarce: true, conserved: CODE, pagesPerBlock: 128 };
    expect(shapeOf(planted, shows)).to.include(shows);
    expect(shapeOf({ ...planted, pagesPerBlock: 256, kernel: 'atomics' }, shows)).to.include({
      pagesPerBlock: 256,
      kernel: 'atomics',
    });
  });
});

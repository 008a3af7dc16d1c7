import { expect } from 'chai';
import { Arena } from '../../lib/arena/arena.js';
import type { ArenaOptions } from '../../lib/arena/options.js';

const SIZES: readonly ArenaOptions[] = [
  { maxReaders: 1 },
  { maxReaders: 4096 },
  { pageSize: 1, maxRamBytes: 2 ** 20 },
  { pageSize: 2 ** 30 },
  { pagesPerBlock: 64, maxRamBytes: 2 ** 30 },
  { pagesPerBlock: 2 ** 30 },
  { kernel: 'atomics' },
  { kernel: 'atomics', debug: true, shared: false },
];

describe('attaching to an engine of an extreme size', () => {
  for (const options of SIZES) {
    it(`finds what it was created with: ${JSON.stringify(options)}`, () => {
      const { arena, release } = Arena.create(options);
      const attached = Arena.attach('spec', arena.handle);
      expect(attached.geometry).to.deep.equal(arena.geometry);
      expect(attached.regions).to.deep.equal(arena.regions);
      expect(attached.words.length).to.equal(arena.words.length);
      expect(attached.engineId).to.equal(arena.engineId);
      release();
    });
  }
});

import { expect } from 'chai';
import { Arena } from '../../lib/arena/arena.js';
import { Slots } from '../../lib/arena/layout.js';
import type { ArenaOptions } from '../../lib/arena/options.js';
import { expectThrow } from '../support/refusals.js';

const SIZES: readonly ArenaOptions[] = [
  { maxReaders: 1 },
  { maxReaders: 4096 },
  { pageSize: 1, maxRamBytes: 2 ** 20 },
  { pageSize: 2 ** 30 },
  { pagesPerBlock: 64, maxRamBytes: 2 ** 30 },
  { pagesPerBlock: 2 ** 30 },
  { kernel: 'atomics' },
  { kernel: 'atomics', debug: true, shared: false },
  { shared: false },
];

describe('attaching to an engine of an extreme size', () => {
  for (const options of SIZES) {
    it(`finds what it was created with: ${JSON.stringify(options)}`, () => {
      const { arena, release } = Arena.create(options);
      const attached = Arena.attach('spec', arena.handle);
      expect(attached.handle).to.deep.equal(arena.handle);
      expect(attached.geometry).to.deep.equal(arena.geometry);
      expect(attached.regions).to.deep.equal(arena.regions);
      expect(attached.words.length).to.equal(arena.words.length);
      expect(attached.engineId).to.equal(arena.engineId);
      release();
    });
  }
});

describe('attaching at the end of a memory', () => {
  it('is refused by its byteOffset where there is no room for a header', () => {
    const { arena, release } = Arena.create({ maxRamBytes: 2 ** 20, arenaBytes: 2 ** 17, pagesPerBlock: 64 });
    const bytes = arena.handle.memory.buffer.byteLength;
    const last = bytes - Slots.first * 4;
    for (const byteOffset of [last + 64, bytes - 64, bytes]) {
      const handle = { ...arena.handle, byteOffset };
      expectThrow(() => Arena.attach('spec', handle), RangeError, 'handle.byteOffset', `from 0 to ${last}`, byteOffset);
    }
    expectThrow(() => Arena.attach('spec', { ...arena.handle, byteOffset: last }), RangeError, 'magic');
    release();
  });
});

import { expect } from 'chai';
import { CODE, type DirtyMemory, MIGRATION, VGA } from '../../lib/index.js';
import { CLIENTS, cleanAll, dirtyPages, PAGE, range, smallEngine } from '../support/engines.js';

describe('marks of the owner', () => {
  let memory: DirtyMemory;

  beforeEach(() => {
    memory = smallEngine();
    memory.ram.plug({ id: 'ram', size: 200 * PAGE, offset: 20 * PAGE });
    cleanAll(memory);
  });
  afterEach(() => memory.close());

  it('tell all clients for which some page turned dirty, and no other', () => {
    memory.setDirty(70 * PAGE, CODE);
    expect(memory.setDirtyRange(70 * PAGE, PAGE, VGA | CODE | MIGRATION)).to.equal(VGA | MIGRATION);
    expect(memory.setDirtyRange(60 * PAGE, 20 * PAGE, VGA | MIGRATION)).to.equal(VGA | MIGRATION);
    expect(memory.setDirtyRange(60 * PAGE, 20 * PAGE, VGA | CODE)).to.equal(CODE);
  });

  /** Bits 0 to 3, 60, 64 and 68 to 71, and one past the bits in use. */
  const bits = new Uint8Array([0x0f, 0, 0, 0, 0, 0, 0, 0x10, 0xf1, 0x01]);
  const imports: [title: string, start: number, hostPageSize: number, marked: number[]][] = [
    ['from a page', 30 * PAGE, PAGE, [...range(30, 34), 90, 94, ...range(98, 102)]],
    ['from the byte after a page', 30 * PAGE + 1, PAGE, [...range(30, 35), 90, 91, 94, 95, ...range(98, 103)]],
    ['of pages of half the size', 30 * PAGE, PAGE / 2, [30, 31, 60, 62, 64, 65]],
    ['of pages of twice the size', 30 * PAGE, PAGE * 2, [...range(30, 38), 150, 151, 158, 159, ...range(166, 174)]],
  ];
  for (const [title, start, hostPageSize, marked] of imports) {
    it(`of a bitmap ${title} are of the pages that its set bits touch, each counted once`, () => {
      memory.setDirty(30 * PAGE, VGA);
      const mask = VGA | MIGRATION;
      expect(memory.setDirtyBitmap(bits, start, 72, { hostPageSize, mask })).to.equal(marked.length);
      for (const client of CLIENTS) {
        expect(dirtyPages(memory, client)).to.deep.equal(client === CODE ? [] : marked);
      }
    });
  }
});

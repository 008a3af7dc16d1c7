import { expect } from 'chai';
import { Shadow } from '../../lib/guest/shadow.js';
import type { RamBlock } from '../../lib/ram/ram-block.js';

const PAGE = 16;

function shadowOf(bytes: Uint8Array, before?: Shadow): Shadow {
  return new Shadow({ size: bytes.length, resizes: 0 } as RamBlock, bytes, PAGE, before);
}

describe('The shadow of a RAM block', () => {
  it('compares a page with what it was when it was copied, and no other', () => {
    const bytes = new Uint8Array(4 * PAGE);
    const shadow = shadowOf(bytes);
    for (let page = 0; page < 4; page++) expect(shadow.refresh(page), 'at first').to.equal(true);
    bytes[2 * PAGE + 5] = 1;
    expect([0, 1, 2, 3].map((page) => shadow.differs(page))).to.deep.equal([false, false, true, false]);
    expect(shadow.difference(2)).to.deep.equal({ first: 5, last: 5 });
    expect(shadow.refresh(2), 'is not outdated').to.equal(false);
  });

  it('of a block of another size keeps which pages are outdated', () => {
    const bytes = new Uint8Array(4 * PAGE);
    const shadow = shadowOf(bytes);
    for (let page = 0; page < 4; page++) shadow.refresh(page);
    shadow.outdate(1, 2);
    const smaller = shadowOf(bytes.subarray(0, 3 * PAGE), shadow);
    expect([0, 1, 2].map((page) => smaller.refresh(page))).to.deep.equal([false, true, false]);
  });
});

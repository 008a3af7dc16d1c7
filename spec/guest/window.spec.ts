import { expect } from 'chai';
import { UNIT } from '../../lib/guest/marked-windows.js';
import { MOST_BYTES, NO_GENERATION } from '../../lib/guest/window.js';

describe('A window of guest RAM', () => {
  it('has offsets and sizes that are integers of 32 bits, and whole units', () => {
    expect(MOST_BYTES | 0).to.equal(MOST_BYTES);
    expect(MOST_BYTES % UNIT).to.equal(0);
    expect(MOST_BYTES).to.be.above(2 ** 30);
  });

  it('has a generation that no byte is equal to, and that is no mark if it is stored in one', () => {
    expect([NO_GENERATION > 255, Uint8Array.of(NO_GENERATION)[0]]).to.deep.equal([true, 0]);
  });
});

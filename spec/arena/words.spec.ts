import { expect } from 'chai';
import { Words } from '../../lib/arena/words.js';

describe('words', () => {
  it('say whether the thread may wait on them: in shared memory, and where it may block', () => {
    for (const first of [0, -1, 0x6d656d64]) {
      const shared = new Words(new SharedArrayBuffer(64), 0, 16);
      shared.set(0, first);
      expect(shared.canWait).to.equal(true);
    }
    expect(new Words(new ArrayBuffer(64), 0, 16).canWait).to.equal(false);
  });
});

import { expect } from 'chai';
import { IncomingState } from '../../../lib/migration/destination/incoming-state.js';

const SEAL = { type: 'seal', verify: false } as const;

function held(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

describe('The state of a machine that arrives', () => {
  it('is what was sent, in however many pieces', () => {
    for (const sizes of [[], [1], [3, 1, 4, 1, 5, 9], Array.from({ length: 300 }, (_, i) => 1 + (i % 7))]) {
      const sent = Uint8Array.from({ length: sizes.reduce((sum, size) => sum + size, 0) }, (_, i) => i * 31);
      const state = new IncomingState(2 ** 20);
      state.begin({ ...SEAL, stateBytes: sent.length });
      let at = 0;
      for (const size of sizes) {
        state.add(sent.subarray(at, at + size));
        at += size;
      }
      state.end();
      expect([...state.bytes()]).to.deep.equal([...sent]);
    }
  });

  it('is what came after the last seal', () => {
    const state = new IncomingState(100);
    state.begin({ ...SEAL, stateBytes: 3 });
    state.add(Uint8Array.of(1, 2));
    state.begin({ ...SEAL, stateBytes: 2 });
    state.add(Uint8Array.of(3));
    state.add(Uint8Array.of(4));
    state.end();
    expect([...state.bytes()]).to.deep.equal([3, 4]);
  });

  it('takes no memory for being announced, and no more than twice its own for coming in bytes', () => {
    const state = new IncomingState(2 ** 31);
    const before = held();
    for (let i = 0; i < 64; i++) state.begin({ ...SEAL, stateBytes: 2 ** 31 - 1 });
    expect(held() - before).to.be.below(2 ** 22);
    const byte = Uint8Array.of(7);
    for (let i = 0; i < 2 ** 17; i++) state.add(byte);
    expect(state.bytes().length).to.be.at.most(2 ** 18);
    expect(held() - before).to.be.below(2 ** 22);
  });
});

import { expect } from 'chai';
import {
  exchangeGuest,
  exchangeGuest64,
  loadGuest,
  loadGuest64,
  modifyGuest,
  modifyGuest64,
  storeGuest,
  storeGuest64,
  Words,
} from '../../lib/arena/words.js';

describe('words', () => {
  it('say whether the thread may wait on them: in shared memory, and where it may block', () => {
    for (const first of [0, -1, 0x6d656d64]) {
      const shared = new Words(new SharedArrayBuffer(64), 0, 16);
      shared.set(0, first);
      expect(shared.canWait).to.equal(true);
    }
    expect(new Words(new ArrayBuffer(64), 0, 16).canWait).to.equal(false);
  });

  it('say whether the thread may wait without blocking: in shared memory, where the host can', () => {
    const can = typeof Atomics.waitAsync === 'function';
    expect(new Words(new SharedArrayBuffer(64), 0, 16).canWaitAsync).to.equal(can);
    expect(new Words(new ArrayBuffer(64), 0, 16).canWaitAsync).to.equal(false);
  });

  it('do not take another error for such an answer', () => {
    const none = new Words(new SharedArrayBuffer(0), 0, 0);
    expect(() => none.canWait).to.throw(RangeError);
    if (typeof Atomics.waitAsync === 'function') expect(() => none.canWaitAsync).to.throw(RangeError);
  });

  it('let a thread wait for another only where both share them', () => {
    expect(() => new Words(new ArrayBuffer(64), 0, 16).wait(0, 1, 0)).to.throw(TypeError);
    new Words(new SharedArrayBuffer(64), 0, 16).wait(0, 1, 60_000); // the word is not 1
  });

  it('wake who waits without blocking, unless the word is another already', async function () {
    if (typeof Atomics.waitAsync !== 'function') this.skip();
    const words = new Words(new SharedArrayBuffer(64), 0, 16);
    expect(words.waitAsync(3, 1, 60_000)).to.equal(undefined);
    const woken = words.waitAsync(3, 0, 1_000);
    expect(woken).to.be.instanceOf(Promise);
    words.notify(3);
    expect(await woken).to.equal('ok');
  });

  it('begin where they were told to, and are as many', () => {
    const buffer = new SharedArrayBuffer(256);
    const words = new Words(buffer, 64, 16);
    expect(words).to.include({ byteOffset: 64, length: 16 });
    words.set(0, 5);
    expect(new Int32Array(buffer)[16]).to.equal(5);
  });

  it('are changed by each operation as it says, which returns what was there', () => {
    const words = new Words(new SharedArrayBuffer(64), 0, 16);
    const operations: [name: string, apply: () => number, after: number][] = [
      ['or', () => words.or(1, 0b0110), 0b1110],
      ['and', () => words.and(1, 0b0110), 0b0100],
      ['add', () => words.add(1, 3), 0b1111],
      ['exchange', () => words.exchange(1, 3), 3],
      ['compareExchange', () => words.compareExchange(1, 0b1100, 3), 3],
      ['compareExchange of another value', () => words.compareExchange(1, 5, 3), 0b1100],
    ];
    for (const [name, apply, after] of operations) {
      words.set(1, 0b1100);
      expect(apply(), name).to.equal(0b1100);
      expect(words.load(1), name).to.equal(after);
    }
  });

  it('have in common the bits that all three have', () => {
    const words = new Words(new SharedArrayBuffer(64), 0, 16);
    [0b0000_1111, 0b0011_0011, 0b0101_0101].forEach((word, i) => void words.set(i, word));
    expect(words.common(0, 1, 2)).to.equal(1);
  });
});

describe("the guest's atomic accesses", () => {
  it('give what was there, and leave what they say', () => {
    for (const Integers of [Uint8Array, Uint16Array, Uint32Array]) {
      const view = new Integers(4);
      storeGuest(view, 1, 5);
      expect(modifyGuest(view, 1, 'add', 2)).to.equal(5);
      expect(exchangeGuest(view, 1, 7, 9)).to.equal(7);
      expect(loadGuest(view, 1)).to.equal(9);
    }
    const wide = new BigUint64Array(4);
    storeGuest64(wide, 1, 5n);
    expect(modifyGuest64(wide, 1, 'add', 2n)).to.equal(5n);
    expect(exchangeGuest64(wide, 1, 7n, 9n)).to.equal(7n);
    expect(loadGuest64(wide, 1)).to.equal(9n);
  });
});

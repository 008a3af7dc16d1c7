import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect } from 'chai';
import { CallbackQueue } from '../../lib/rcu/callbacks.js';

describe('functions that wait for grace periods', () => {
  let queue: CallbackQueue;
  let ran: number[];
  beforeEach(() => {
    queue = new CallbackQueue();
    ran = [];
  });

  /** One for each cookie, which is what it tells. */
  const push = (...cookies: number[]): void => {
    for (const cookie of cookies) queue.push(cookie, () => ran.push(cookie));
  };

  it('run in their order when their periods have ended, each once, and are counted until then', () => {
    const all = Array.from({ length: 40 }, (_, i) => i);
    for (const upTo of [1, 2, 3, 7, 39]) {
      ran = [];
      push(...all);
      for (let completed = -1; completed < all.length; completed += upTo) {
        expect(queue.isReady(completed), `${completed} before`).to.equal(ran.length <= completed);
        queue.run(completed);
        expect(queue.isReady(completed), `${completed} after`).to.equal(false);
        expect(ran, `${completed}`).to.deep.equal(all.slice(0, completed + 1));
        expect(queue.length).to.equal(all.length - ran.length);
      }
      queue.run(all.length);
    }
  });

  it('run when others were handed over meanwhile, however many have run', () => {
    const expected: number[] = [];
    for (let cookie = 0; cookie < 50; cookie++) {
      push(cookie, cookie, cookie);
      expected.push(cookie, cookie, cookie);
      if (cookie % 3 !== 0) queue.run(cookie - (cookie % 5));
    }
    queue.run(50);
    expect(ran).to.deep.equal(expected);
    expect(queue.length).to.equal(0);
  });

  it('may hand over others and have those run that are ready', () => {
    push(1);
    queue.push(1, () => {
      push(1, 2);
      queue.run(1);
      ran.push(-1);
    });
    push(1);
    queue.run(1);
    expect(ran).to.deep.equal([1, 1, 1, -1]);
    expect(queue.length).to.equal(1);
  });

  it('run although one before them throws, whose error is told', () => {
    const thrown = new Error('planted');
    const errors: unknown[] = [];
    push(1);
    queue.push(1, () => {
      throw thrown;
    });
    push(1);
    queue.run(1, (error) => errors.push(error));
    expect(ran).to.deep.equal([1, 1]);
    expect(errors).to.deep.equal([thrown]);
  });

  it('are let go when they have run, though others wait', () => {
    setFlagsFromString('--expose-gc');
    const collectGarbage: () => void = runInNewContext('gc');
    const held = (() => {
      const run = (): number => ran.push(1);
      queue.push(1, run);
      return new WeakRef(run);
    })();
    push(2);
    queue.run(1);
    return new Promise((resolve) => setImmediate(resolve)).then(() => {
      collectGarbage();
      expect(held.deref()).to.equal(undefined);
      expect(queue.length).to.equal(1);
    });
  });
});

import { expect } from 'chai';
import { Words } from '../../lib/arena/words.js';
import { UsageError } from '../../lib/base/errors.js';
import { Lifecycle } from '../../lib/rcu/lifecycle.js';

describe('whether an engine accepts calls', () => {
  let memory: WebAssembly.Memory;
  let lifecycle: Lifecycle;
  beforeEach(() => {
    memory = new WebAssembly.Memory({ initial: 1, maximum: 2 });
    lifecycle = new Lifecycle(new Words(memory.buffer, 0, 1));
  });

  const check = (): void => lifecycle.check('harvest');
  const checkNotClosed = (): void => lifecycle.checkNotClosed('harvest');
  const checkMemory = (): void => lifecycle.checkMemory('harvest');

  it('it does while it is open, for operations under way while it is closing, and then no more', () => {
    for (const call of [check, checkNotClosed, checkMemory]) call();
    lifecycle.state = 'closing';
    expect(check).to.throw(UsageError, 'harvest: the engine is closing');
    for (const call of [checkNotClosed, checkMemory]) call();
    lifecycle.state = 'closed';
    for (const call of [check, checkNotClosed]) expect(call).to.throw(UsageError, 'harvest: the engine is closed');
    checkMemory();
  });

  it('it does not when its memory has been grown', () => {
    memory.grow(1);
    for (const call of [check, checkNotClosed, checkMemory]) expect(call).to.throw(UsageError, 'memory has been grown');
  });

  it('it knows its own refusals, not those of others or other errors', () => {
    const refusalBy = (of: Lifecycle): unknown => {
      of.state = 'closing';
      try {
        of.check('harvest');
      } catch (error) {
        return error;
      }
      return expect.fail('not refused');
    };
    expect(lifecycle.hasRefusedWith(refusalBy(lifecycle))).to.equal(true);
    const other = new Lifecycle(new Words(memory.buffer, 0, 1));
    for (const error of [refusalBy(other), new UsageError('planted'), 'text', undefined]) {
      expect(lifecycle.hasRefusedWith(error)).to.equal(false);
    }
  });
});

import { expect } from 'chai';
import { engineOf } from '../../lib/dirty-memory.js';
import type { DirtyMemory, DirtyMemoryOptions, RamBlock } from '../../lib/index.js';
import { Trace } from '../../lib/trace/index.js';
import { describeEngines, foreignVcpu, PAGE, reportUntil, smallEngine } from '../support/engines.js';
import { expectReject, expectThrow } from '../support/refusals.js';

describeEngines('RAM that goes', () => {
  let memory: DirtyMemory;
  let block: RamBlock;
  /** Lets cleaning succeed again. */
  let mend: () => void;

  const begin = (options: DirtyMemoryOptions = {}): void => {
    memory = smallEngine(options);
    memory.ram.plug({ id: 'stays', size: PAGE, offset: 0 }); // in the same bitmap block, which has to be cleaned
    block = memory.ram.plug({ id: 'goes', size: 10 * PAGE, maxSize: 20 * PAGE, offset: 10 * PAGE });
    const { kernel } = engineOf(memory);
    const { clearLive } = kernel;
    mend = () => {
      kernel.clearLive = clearLive;
    };
    kernel.clearLive = () => {
      throw new Error('cannot be cleaned');
    };
  };
  beforeEach(() => begin());

  const again = () => memory.ram.plug({ id: 'again', size: PAGE, offset: 25 * PAGE });
  const large = () => memory.ram.plug({ id: 'large', size: 4096 * PAGE });

  it('keeps its place for ever when its end has failed, and is not said to be on its way', async () => {
    await expectReject(() => memory.ram.unplug(block), Error, 'cannot be cleaned');
    mend();
    expectThrow(again, RangeError, 'overlap RAM whose unplugging has failed');
    expect(large).to.throw(RangeError).with.property('message').that.does.not.contain('unplugging');
    await memory.close();
  });

  it('is not populated when its end has failed, nor resized, but goes with its block', async () => {
    await expectReject(() => block.discard(0, PAGE), Error, 'cannot be cleaned');
    await expectReject(() => memory.ram.resize(block, 5 * PAGE), Error, 'cannot be cleaned');
    mend();
    expectThrow(() => block.populate(0, PAGE), RangeError, 'overlap RAM whose discarding has failed');
    await expectReject(() => memory.ram.resize(block, 10 * PAGE), RangeError, 'RAM whose resizing has failed');
    await memory.ram.unplug(block);
    memory.ram.plug({ id: 'again', size: 20 * PAGE, offset: 10 * PAGE });
  });

  it('makes no room for a block when it is only discarded', async () => {
    mend();
    const vcpu = foreignVcpu(memory);
    const discarded = block.discard(0, PAGE);
    expect(large).to.throw(RangeError).with.property('message').that.does.not.contain('bytes belong to RAM');
    await reportUntil(vcpu, discarded);
  });

  it('keeps its place for ever, too, when its page set cannot be freed', async () => {
    mend();
    block.pages.dispose = () => {
      throw new Error('cannot be freed');
    };
    await expectReject(() => memory.ram.unplug(block), Error, 'cannot be freed');
    expectThrow(again, RangeError, 'overlap RAM whose unplugging has failed');
  });

  it('is not recorded as free when its end has failed', async () => {
    begin({ traceEvents: 64 });
    const trace = Trace.open(memory.handle);
    await expectReject(() => memory.ram.unplug(block), Error, 'cannot be cleaned');
    const kinds = trace.take().map(({ kind }) => kind);
    expect(kinds).to.include('unplug').and.not.include('free');
  });

  it('is not cleaned where its bitmap blocks go with it', async () => {
    await memory.ram.unplug(memory.ram.plug({ id: 'alone', size: 64 * PAGE, offset: 64 * PAGE }));
  });

  it('is said to be on its way while a reader delays it, with all of its room', async () => {
    mend();
    const vcpu = foreignVcpu(memory);
    const unplugged = memory.ram.unplug(block);
    expectThrow(large, RangeError, `(${20 * PAGE} bytes belong to RAM whose unplugging has not ended`);
    await reportUntil(vcpu, unplugged);
  });

  it('is not said to be on its way when nobody has delayed it', async () => {
    mend();
    await memory.ram.unplug(block);
    expect(large).to.throw(RangeError).with.property('message').that.does.not.contain('unplugging');
  });

  it('is gone before the engine is closed', async () => {
    mend();
    const vcpu = foreignVcpu(memory);
    memory.rcu.startPoll(); // the period after this one is for both
    const order: string[] = [];
    const unplugged = memory.ram.unplug(block).then(() => order.push('unplugged'));
    const closed = memory.close().then(() => order.push('closed'));
    await reportUntil(vcpu, Promise.all([unplugged, closed]));
    expect(order).to.deep.equal(['unplugged', 'closed']);
  });
});

import { expect } from 'chai';
import { engineOf } from '../../lib/dirty-memory.js';
import type { DirtyMemory, RamBlock } from '../../lib/index.js';
import { describeEngines, foreignVcpu, PAGE, reportUntil, smallEngine } from '../support/engines.js';
import { expectReject, expectThrow } from '../support/refusals.js';

describeEngines('RAM that goes', () => {
  let memory: DirtyMemory;
  let block: RamBlock;
  /** Lets cleaning succeed again. */
  let mend: () => void;

  beforeEach(() => {
    memory = smallEngine();
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
  });

  it('keeps its place for ever when its end has failed, and is not said to be on its way', async () => {
    await expectReject(() => memory.ram.unplug(block), Error, 'cannot be cleaned');
    mend();
    const again = () => memory.ram.plug({ id: 'again', size: PAGE, offset: 25 * PAGE });
    expectThrow(again, RangeError, 'overlap RAM whose unplugging has failed');
    const large = () => memory.ram.plug({ id: 'large', size: 4096 * PAGE });
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
    const large = () => memory.ram.plug({ id: 'large', size: 4096 * PAGE });
    expect(large).to.throw(RangeError).with.property('message').that.does.not.contain('bytes belong to RAM');
    await reportUntil(vcpu, discarded);
  });
});

import { type DirtyMemory, type RamBlock, UsageError } from '../../lib/index.js';
import { describeEngines, PAGE, smallEngine } from '../support/engines.js';
import { expectReject, expectThrow } from '../support/refusals.js';

const WHY = 'the engine is closed';

describeEngines('the RAM of a closed engine', () => {
  let memory: DirtyMemory;
  let block: RamBlock;
  let gone: RamBlock;

  beforeEach(async () => {
    memory = smallEngine();
    block = memory.ram.plug({ id: 'ram', size: PAGE });
    gone = memory.ram.plug({ id: 'gone', size: PAGE });
    await memory.ram.unplug(gone);
    await memory.close();
  });

  it('does not change, which is said of calls that would change nothing, too', async () => {
    expectThrow(() => memory.ram.plug({ id: 'new', size: PAGE }), UsageError, `plug: ${WHY}`);
    await expectReject(() => memory.ram.resize(block, PAGE), UsageError, `resize: ${WHY}`);
    await expectReject(() => block.discard(0, 0), UsageError, `discard: ${WHY}`);
    expectThrow(() => block.populate(0, 0), UsageError, `populate: ${WHY}`);
  });

  it('is said to be closed, also where a block is gone', async () => {
    await expectReject(() => memory.ram.unplug(gone), UsageError, `unplug: ${WHY}`);
    await expectReject(() => memory.ram.resize(gone, PAGE), UsageError, `resize: ${WHY}`);
  });

  it('takes no more listeners', () => {
    expectThrow(() => memory.ram.addListener({ plugged: () => {} }), UsageError, `addListener: ${WHY}`);
  });
});

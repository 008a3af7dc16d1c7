import { expect } from 'chai';
import { engineOf } from '../../lib/dirty-memory.js';
import { CODE, CorruptionError, type DirtyMemory, VGA } from '../../lib/index.js';
import { attachVcpu } from '../../lib/vcpu.js';
import {
  cleanAll,
  describeEngines,
  dirtyPages,
  foreignVcpu,
  PAGE,
  range,
  SWAP_ALL,
  smallEngine,
} from '../support/engines.js';
import { expectReject } from '../support/refusals.js';

describeEngines('what is refused or aborted before it begins changes nothing:', () => {
  let memory: DirtyMemory;
  afterEach(() => memory.close());

  it('tracking a client that is tracked already makes no page dirty', async () => {
    memory = smallEngine();
    memory.ram.plug({ id: 'ram', size: 10 * PAGE });
    cleanAll(memory);
    await expectReject(() => memory.track(CODE, { signal: AbortSignal.abort(new RangeError('no')) }), RangeError, 'no');
    expect(dirtyPages(memory, CODE)).to.deep.equal([]);
  });

  it('tracking a client that nobody tracks allocates nothing', async () => {
    memory = smallEngine({ tracked: VGA });
    memory.ram.plug({ id: 'ram', size: 10 * PAGE });
    const { arenaBytesInUse } = memory.stats();
    await expectReject(() => memory.track(CODE, { signal: AbortSignal.abort(new RangeError('no')) }), RangeError, 'no');
    expect(memory.stats()).to.include({ arenaBytesInUse });
    expect(memory.tracked).to.equal(VGA);
  });

  it('a harvest whose spare block was written to while it was free loses no page', async () => {
    memory = smallEngine({ debug: true }, SWAP_ALL);
    memory.ram.plug({ id: 'ram', size: 64 * PAGE });
    const { allocator } = engineOf(memory);
    const vcpu = foreignVcpu(memory);
    const spare = allocator.allocateBlock('the spec');
    allocator.freeBlock(spare);
    const words = new Int32Array(memory.handle.memory.buffer, memory.handle.byteOffset);
    words[spare] = 1;
    const harvest = memory.harvest(VGA);
    vcpu.quiescent();
    await expectReject(() => harvest, CorruptionError, 'a freed bitmap block was written to');
    memory.rcu.poll(1);
    expect(dirtyPages(memory, VGA)).to.deep.equal(range(0, 64));
    vcpu.detach();
  });
});

describe('a page number that is a fraction', () => {
  it('marks the page it lies in, in the block of the last mark and in another', async () => {
    const memory = smallEngine({ debug: false });
    memory.ram.plug({ id: 'ram', size: 128 * PAGE });
    cleanAll(memory);
    const vcpu = attachVcpu(memory.handle);
    expect(vcpu.markPage(2.5, VGA)).to.equal(VGA);
    expect(vcpu.markPage(3.5, VGA), 'in the block of the last mark').to.equal(VGA);
    expect(vcpu.markPage(70.5, VGA), 'in another').to.equal(VGA);
    expect(dirtyPages(memory, VGA)).to.deep.equal([2, 3, 70]);
    vcpu.detach();
    await memory.close();
  });
});

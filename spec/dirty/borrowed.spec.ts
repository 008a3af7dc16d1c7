import { expect } from 'chai';
import { engineOf } from '../../lib/dirty-memory.js';
import { ArenaFullError, type DirtyMemory, VGA } from '../../lib/index.js';
import type { Vcpu } from '../../lib/vcpu.js';
import {
  cleanAll,
  describeEngines,
  dirtyPages,
  foreignVcpu,
  PAGE,
  pagesOf,
  reportUntil,
  smallEngine,
  whileOffline,
} from '../support/engines.js';
import { turns } from '../support/promises.js';
import { expectReject } from '../support/refusals.js';

describeEngines('the bits that a measurement borrows', () => {
  let memory: DirtyMemory;
  let vcpu: Vcpu;
  const DIRTY = [5, 70];

  beforeEach(() => {
    memory = smallEngine();
    memory.ram.plug({ id: 'ram', size: 200 * PAGE });
    cleanAll(memory);
    vcpu = foreignVcpu(memory);
    for (const page of DIRTY) vcpu.mark(page * PAGE);
  });
  afterEach(() => vcpu.detach());
  const isLive = (page: number): boolean => vcpu.isDirty(page * PAGE, 1, VGA);

  it('are dirty for the owner meanwhile, live again afterwards, and no part of what is measured', async () => {
    const measured = memory.measureDirtyRate({ client: VGA, windowMs: 1 });
    expect(DIRTY.map(isLive)).to.deep.equal([false, false]);
    expect(dirtyPages(memory, VGA)).to.deep.equal(DIRTY);
    vcpu.mark(6 * PAGE);
    expect((await reportUntil(vcpu, measured)).pages).to.equal(1);
    expect(DIRTY.map(isLive)).to.deep.equal([true, true]);
  });

  it('are handed over once to who collects while readers are stopped', async () => {
    const stop = new AbortController();
    const measured = memory.measureDirtyRate({ client: VGA, windowMs: 3_600_000, signal: stop.signal });
    await turns(2);
    expect(pagesOf(whileOffline(memory, () => memory.whileStopped.harvest(VGA).set))).to.deep.equal(DIRTY);
    stop.abort(new RangeError('enough'));
    await expectReject(() => reportUntil(vcpu, measured), RangeError, 'enough');
    expect(dirtyPages(memory, VGA)).to.deep.equal([]);
  });

  it('are live at once where there is no room for some of them, and nobody is held up', async () => {
    const { allocator } = engineOf(memory);
    const { allocateBlock } = allocator;
    let blocks = 0;
    allocator.allocateBlock = (purpose) => {
      if (blocks++ === 1) throw new ArenaFullError('injected');
      return allocateBlock.call(allocator, purpose);
    };
    const measured = memory.measureDirtyRate({ client: VGA, windowMs: 1 });
    expect(DIRTY.map(isLive)).to.deep.equal([true, true]);
    await expectReject(() => reportUntil(vcpu, measured), ArenaFullError, 'injected');
    expect(pagesOf((await reportUntil(vcpu, memory.harvest(VGA, { timeoutMs: 10_000 }))).set)).to.deep.equal(DIRTY);
  });
});

import { expect } from 'chai';
import { CODE, type DirtyMemory, MIGRATION, UsageError } from '../../lib/index.js';
import type { Vcpu } from '../../lib/vcpu.js';
import { describeEngines, dirtyPages, foreignVcpu, PAGE, range, reportUntil, smallEngine } from '../support/engines.js';
import { turns } from '../support/promises.js';
import { expectReject } from '../support/refusals.js';

/** Longer than any test takes. */
const WINDOW_MS = 3_600_000;

describeEngines('regressions: dirty rates', () => {
  let memory: DirtyMemory;
  let vcpu: Vcpu;

  beforeEach(() => {
    memory = smallEngine();
    memory.ram.plug({ id: 'ram', size: 300 * PAGE });
    vcpu = foreignVcpu(memory);
  });
  afterEach(() => vcpu.detach());

  describe('QEMU fb613580: that all RAM is dirty at the start was taken for pages that had been dirtied', () => {
    it('new RAM is dirty and has a rate of 0', async () => {
      const { pages, blocks, readers } = await reportUntil(vcpu, memory.measureDirtyRate({ windowMs: 1 }));
      expect([pages, blocks.length, readers[0]?.pages]).to.deep.equal([0, 1, 0]);
      expect(dirtyPages(memory, MIGRATION)).to.deep.equal(range(0, 300));
    });

    it('RAM that is plugged while it is measured has none, nor that which takes the place of other RAM', async () => {
      const gone = memory.ram.plug({ id: 'gone', size: 10 * PAGE });
      const place = gone.offset;
      const measured = memory.measureDirtyRate({ windowMs: 1, client: CODE }); // whose window is open at once
      vcpu.mark(5 * PAGE);
      vcpu.mark(place);
      const shared = memory.ram.plug({ id: 'shares a bitmap block', size: 4 * PAGE, offset: 300 * PAGE });
      const unplugged = memory.ram.unplug(gone);
      await reportUntil(vcpu, unplugged);
      memory.ram.plug({ id: 'comes after', size: 10 * PAGE, offset: place });
      vcpu.quiescent();
      vcpu.mark(shared.offset);
      const { pages, blocks } = await reportUntil(vcpu, measured);
      expect(blocks.map(({ id, pages }) => [id, pages])).to.deep.equal([['ram', 1]]);
      expect(pages).to.equal(1);
      const all = [...range(0, 304), ...range(place / PAGE, place / PAGE + 10)];
      expect(dirtyPages(memory, CODE)).to.deep.equal(all);
    });
  });

  describe('QEMU cce10a1f: what a limit had been set with was freed while rates were being sampled for it', () => {
    const measuring = async (signal?: AbortSignal): Promise<{ readonly measured: Promise<unknown> }> => {
      memory.limitDirtyRate(1000, { identity: vcpu.identity });
      const measured = memory.measureDirtyRate({ windowMs: WINDOW_MS, ...(signal ? { signal } : {}) });
      measured.catch(() => {});
      vcpu.quiescent();
      await turns();
      vcpu.mark(5 * PAGE);
      return { measured };
    };

    it('a measurement is given up in its window, and everything is as before', async () => {
      const abort = new AbortController();
      const { measured } = await measuring(abort.signal);
      abort.abort(new RangeError('given up'));
      await expectReject(() => measured, RangeError, 'given up');
      expect(dirtyPages(memory, MIGRATION)).to.deep.equal(range(0, 300));
      expect((await reportUntil(vcpu, memory.measureDirtyRate({ windowMs: 1 }))).pages).to.equal(0);
    });

    it('limits and readers go in its window', async () => {
      const abort = new AbortController();
      const { measured } = await measuring(abort.signal);
      memory.limitDirtyRate(undefined);
      vcpu.detach();
      vcpu = foreignVcpu(memory, 'next');
      vcpu.mark(6 * PAGE);
      abort.abort(new RangeError('given up'));
      await expectReject(() => measured, RangeError, 'given up');
      expect(dirtyPages(memory, MIGRATION)).to.deep.equal(range(0, 300));
    });

    it('the engine is closed in its window, and another one is created in its place', async () => {
      const ground = new WebAssembly.Memory({ initial: 4, maximum: 4, shared: true });
      const place = { memory: ground, shared: true };
      vcpu.detach();
      memory = smallEngine(place);
      memory.ram.plug({ id: 'ram', size: 300 * PAGE });
      vcpu = foreignVcpu(memory);
      const { measured } = await measuring();
      vcpu.detach();
      await memory.close();
      const next = smallEngine(place);
      next.ram.plug({ id: 'ram', size: 30 * PAGE });
      next.whileStopped.harvest(MIGRATION).set.dispose();
      await expectReject(() => measured, UsageError, 'measureDirtyRate', 'clos');
      expect(dirtyPages(next, MIGRATION)).to.deep.equal([]);
      await next.close();
    });
  });
});

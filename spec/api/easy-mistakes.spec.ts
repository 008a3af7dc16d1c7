/** What strangers get wrong in their first hour, and that each message says what to do instead. */
import { DirtyMemory, UsageError } from '../../lib/index.js';
import { attachVcpu, type Vcpu } from '../../lib/vcpu.js';
import { PAGE, smallEngine } from '../support/engines.js';
import { expectThrow } from '../support/refusals.js';

describe('A mistake of the first hour', () => {
  let memory: DirtyMemory;
  let vcpu: Vcpu;

  beforeEach(() => {
    memory = smallEngine();
    memory.ram.plug({ id: 'ram', size: 4 * PAGE });
    vcpu = attachVcpu(memory.handle);
  });
  afterEach(async () => {
    vcpu.detach();
    await memory.close();
  });

  describe('with a handle', () => {
    it('that is the engine itself, or anything else, is told where handles come from', () => {
      for (const handle of [memory, undefined, null, 'handle', new SharedArrayBuffer(64), {}]) {
        expectThrow(() => attachVcpu(handle as never), TypeError, 'attachVcpu: handle', 'memory.handle', 'workerData');
      }
    });

    it('that went through JSON is told that it cannot', () => {
      const handle = JSON.parse(JSON.stringify(memory.handle));
      expectThrow(() => attachVcpu(handle), TypeError, 'handle.memory', 'not a proxy or a copy by JSON');
    });

    it('or an engine by new is told of create', () => {
      const Constructor = DirtyMemory as unknown as new () => DirtyMemory;
      expectThrow(() => new Constructor(), UsageError, 'call DirtyMemory.create');
    });
  });

  describe('of a reader', () => {
    it('that is offline is told to come online', () => {
      vcpu.goOffline();
      expectThrow(() => vcpu.mark(0), UsageError, "mark: reader 'vcpu' is offline", 'call goOnline first');
      vcpu.goOnline();
    });

    it('that reports in a section is told to leave it', () => {
      vcpu.readLock();
      expectThrow(() => vcpu.quiescent(), UsageError, 'nested 1 deep', 'call readUnlock first');
      expectThrow(() => vcpu.goOffline(), UsageError, 'call readUnlock first');
      vcpu.readUnlock();
      expectThrow(() => vcpu.readUnlock(), UsageError, 'needs a readLock before it');
    });

    it('that has detached is told to attach anew', () => {
      const gone = attachVcpu(memory.handle);
      gone.detach();
      expectThrow(() => gone.mark(0), UsageError, 'is detached', 'attachVcpu');
    });
  });

  describe('in plugging', () => {
    const plug = (size: number, offset?: number) => () =>
      memory.ram.plug({ id: 'more', size, ...(offset !== undefined && { offset }) });

    it('half a page is told the next whole size', () => {
      expectThrow(plug(1.5 * PAGE), RangeError, `multiple of the page size, ${PAGE}`, `the next one is ${2 * PAGE}`);
      expectThrow(plug(PAGE, 8 * PAGE + 1), RangeError, 'offset', `the next one is ${9 * PAGE}`);
    });

    it('the same id is told to take another', () => {
      expectThrow(() => memory.ram.plug({ id: 'ram', size: PAGE }), RangeError, "'ram'", 'give another id', 'unplug');
    });

    it('where RAM is already is told that the engine finds a place', () => {
      expectThrow(plug(PAGE, 0), RangeError, "overlap 'ram'", 'without an offset the engine finds a place');
    });

    it('more than there may be is told which option says how much', () => {
      const small = DirtyMemory.create({ pageSize: PAGE, maxRamBytes: 4 * PAGE });
      expectThrow(
        () => small.ram.plug({ id: 'a', size: 8 * PAGE }),
        RangeError,
        `size must be at most ${4 * PAGE}`,
        'maxRamBytes of create',
        `got ${8 * PAGE}`,
      );
      const past = { id: 'a', size: PAGE, offset: 4 * PAGE };
      expectThrow(() => small.ram.plug(past), RangeError, `offset must be at most ${3 * PAGE}`, 'maxRamBytes');
      return small.close();
    });
  });
});

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
});

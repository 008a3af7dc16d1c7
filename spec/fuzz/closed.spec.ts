import { expect } from 'chai';
import fc from 'fast-check';
import { attachVcpu, VGA } from '../../lib/vcpu.js';
import { PAGE, smallEngine } from '../support/engines.js';
import { expectRefusal, hostileCalls, makeCall, operationNamed, SHRINKING, titleOf } from './hostile-calls.js';
import { publicOperations } from './public-operations.js';
import type { World } from './world-arguments.js';

async function closedWorld(ground: WebAssembly.Memory): Promise<World> {
  const memory = smallEngine({ memory: ground });
  const gone = memory.ram.plug({ id: 'gone', size: PAGE });
  await memory.ram.unplug(gone);
  const block = memory.ram.plug({ id: 'ram', size: 90 * PAGE });
  const { set } = memory.whileStopped.harvest(VGA);
  const disposed = memory.createPageSet();
  disposed.dispose();
  const vcpu = attachVcpu(memory.handle);
  vcpu.detach();
  await memory.close();
  const parts = { gone, disposed, foreignBlock: block, foreignSet: set };
  return {
    memory,
    pageSize: PAGE,
    vcpu,
    block,
    set,
    ...parts,
    ground: new WebAssembly.Memory({ initial: 4, maximum: 4, shared: true }),
  };
}

const goodCalls = fc.constantFrom(...Object.keys(publicOperations)).map((name) => ({
  name,
  bad: operationNamed(name).parameters.map(() => undefined),
}));

describe('a closed engine, whose memory may be another one by now', () => {
  it('does not touch its memory, whatever is asked of it, of its sets and of its vCPUs', async () => {
    const ground = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(hostileCalls, goodCalls), { minLength: 1 }), async (calls) => {
        const world = await closedWorld(ground);
        const words = new Int32Array(ground.buffer);
        for (const call of calls) {
          const before = words.slice();
          const { outcome } = await makeCall(call, world);
          if ('threw' in outcome) expectRefusal(call, outcome);
          expect(
            words.every((word, i) => word === before[i]),
            titleOf(call),
          ).to.equal(true);
        }
      }),
      { numRuns: 100, ...SHRINKING },
    );
  });
});

import { expect } from 'chai';
import { CODE, VGA } from '../../lib/index.js';
import { foreignVcpu, PAGE, range, smallEngine } from '../support/engines.js';
import { expectReject } from '../support/refusals.js';

/** More than the listeners that Node takes for usual. */
const MANY = 25;

/** The warnings that the process gets while `body` runs. */
async function warningsDuring(body: () => Promise<void>): Promise<Error[]> {
  const warnings: Error[] = [];
  const note = (warning: Error): void => void warnings.push(warning);
  process.on('warning', note);
  try {
    await body();
    await new Promise((resolve) => setImmediate(resolve));
  } finally {
    process.off('warning', note);
  }
  return warnings;
}

describe('many waits that are given up by one signal', () => {
  for (const aborted of [false, true]) {
    it(`make the host warn of no leak, and ${aborted ? 'all are given up when it aborts' : 'all end'}`, async () => {
      const memory = smallEngine();
      const controller = new AbortController();
      const { signal } = controller;
      for (const i of range(0, MANY)) memory.ram.plug({ id: `dimm${i}`, size: PAGE });
      const vcpu = foreignVcpu(memory);
      const warnings = await warningsDuring(async () => {
        const waits: Promise<unknown>[] = range(0, MANY).flatMap((i) => [
          memory.syncBitmap(memory.ram.get(`dimm${i}`)!, { signal }),
          memory.rcu.synchronize({ signal }),
          memory.measureDirtyRate({ windowMs: 1, client: VGA, signal }),
          memory.track(CODE, { signal }),
        ]);
        const settled = Promise.allSettled(waits);
        if (aborted) controller.abort(new RangeError('enough'));
        else vcpu.detach();
        for (const { status } of await settled) expect(status).to.equal(aborted ? 'rejected' : 'fulfilled');
        for (const wait of aborted ? waits : []) await expectReject(() => wait, RangeError, 'enough');
      });
      expect(warnings).to.deep.equal([]);
      vcpu.detach();
      await memory.close();
    });
  }
});

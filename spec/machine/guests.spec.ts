/** The guests run on several harts, and find nothing wrong, however stores are tracked. */
import { expect } from 'chai';
import { itLong } from '../support/long.js';
import { faultsOf, GuestMachine, type Verdict } from './guest-machine.js';
import { EVERYTHING } from './guests/all.js';
import { type Guest, guest } from './guests/guest.js';
import * as layout from './hart/layout.js';
import type { MachineOptions } from './machine.js';

const ROUNDS = 2;

async function verdictOf(which: Guest, options: MachineOptions): Promise<Verdict> {
  const running = await GuestMachine.start(which, options);
  try {
    await running.rounds(ROUNDS);
    return await running.finish();
  } finally {
    await running.close();
  }
}

describe('The guests of the machine', () => {
  for (const tracking of ['write-tlb', 'each-store', 'none'] as const) {
    const define = tracking === 'write-tlb' ? it : itLong;
    define(`sort, sieve, copy, change code, draw, and find nothing wrong: ${tracking}`, async () => {
      expect(faultsOf(await verdictOf(EVERYTHING, { harts: 3, tracking }), ROUNDS)).to.deep.equal([]);
    });
  }

  itLong('run on as many harts as there may be', async () => {
    expect(faultsOf(await verdictOf(EVERYTHING, { harts: layout.MOST_HARTS }), ROUNDS)).to.deep.equal([]);
  });

  it('would say that something is wrong', async () => {
    const wrong = await verdictOf(guest('wrong', 'main:\n  li a0, 3\n  ret\n'), { harts: 1 });
    expect(faultsOf(wrong, ROUNDS)).to.have.length(1);
    expect(wrong.wrong[0]).to.equal(3 * (wrong.rounds[0] as number));
  });

  it('end with the error of a hart that fails', async () => {
    const empty = new WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0));
    let failure: unknown;
    await GuestMachine.start(EVERYTHING, { harts: 1, module: empty }).catch((error) => {
      failure = error;
    });
    expect(failure).to.be.instanceOf(TypeError);
  });
});

/** Each guest runs on two harts, and finds nothing wrong. */
import { expect } from 'chai';
import { faultsOf, GuestMachine } from './guest-machine.js';
import { GUESTS } from './guests/all.js';
import { guest } from './guests/guest.js';
import { moduleOf, type Tracking } from './hart-module.js';

const HARTS = 2;
const ROUNDS = 2;

async function faults(which: (typeof GUESTS)[number], tracking: Tracking): Promise<string[]> {
  const running = await GuestMachine.start(which, { harts: HARTS, tracking });
  try {
    await running.rounds(ROUNDS);
    return faultsOf(await running.finish(), ROUNDS);
  } finally {
    await running.close();
  }
}

describe('The guests of the machine', () => {
  for (const which of GUESTS) {
    it(`compute what they should: ${which.name}`, async () => {
      expect(await faults(which, 'write-tlb')).to.deep.equal([]);
    });
  }

  it('compute the same where nothing is tracked', async () => {
    for (const which of GUESTS) expect(await faults(which, 'none'), which.name).to.deep.equal([]);
  });

  it('would say that something is wrong', async () => {
    const wrong = guest('wrong', 'main:\n  li a0, 3\n  ret\n');
    expect(await faults(wrong, 'write-tlb')).to.have.length(HARTS);
  });

  it('end with the error of a hart that fails', async () => {
    const broken = new WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0));
    let failure: unknown;
    await GuestMachine.start(GUESTS[0] as (typeof GUESTS)[number], { harts: 1, module: broken }).catch((error) => {
      failure = error;
    });
    expect(failure).to.be.instanceOf(TypeError);
    expect(WebAssembly.Module.exports(moduleOf('none'))).to.not.be.empty;
  });
});

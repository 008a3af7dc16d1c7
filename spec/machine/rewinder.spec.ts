/** A rewinder: save states of a machine that runs, back to the first of them, and on from there. */
import { expect } from 'chai';
import { beginChain, continueChain, memoryStore } from 'dirtymem/save-states';
import { itInBothForms } from '../support/long.js';
import { faultsOf, GuestMachine, RAM_BYTES } from './guest-machine.js';
import { SORT } from './guests/computing.js';
import { DRAWING } from './guests/devices.js';
import { mixed } from './guests/guest.js';
import * as layout from './hart/layout.js';
import { Machine } from './machine.js';

const HARTS = 2;

const roundsOf = (machine: Machine): number[] =>
  Array.from({ length: HARTS }, (_, hart) => machine.board.get(layout.BOARD_ROUNDS + 8 * hart));

describe('A rewinder', () => {
  itInBothForms('goes back over all its states, and on from there', 10, 100, async (states) => {
    const guest = await GuestMachine.start(mixed([SORT, DRAWING]), { harts: HARTS });
    const { machine } = guest;
    const store = memoryStore();
    const chain = await beginChain(machine, store);
    let first: { readonly ram: Uint8Array; readonly rounds: number[] } | undefined;
    // What a state has is what the machine had in the pause in which it was copied.
    const hooked = machine.saveState.bind(machine);
    machine.saveState = () => {
      first ??= { ram: machine.board.bytes.slice(0, RAM_BYTES), rounds: roundsOf(machine) };
      return hooked();
    };
    for (let state = 0; state <= states; state++) await chain.save();
    await chain.stop();
    await guest.rounds(1);
    expect(faultsOf(await guest.finish(), 1)).to.deep.equal([]);
    await guest.close();

    const back = new Machine({ harts: HARTS });
    const again = await continueChain(back, store, { sequence: 0 });
    expect(roundsOf(back)).to.deep.equal(first?.rounds);
    expect(Buffer.compare(back.board.bytes.subarray(0, RAM_BYTES), first?.ram ?? new Uint8Array())).to.equal(0);
    const restarted = await GuestMachine.around(back, {});
    await back.start();
    await restarted.rounds(1);
    const { sequence } = await again.save(); // in the place of those that come after the state
    expect(sequence).to.equal(1);
    expect(faultsOf(await restarted.finish(), 1)).to.deep.equal([]);
    await again.stop();
    await restarted.close();
  });
});

/** DIMMs that are plugged while the guest computes, used, and given back. */
import { expect } from 'chai';
import { DIMM, FORMS, faultsOf, GuestMachine } from './guest-machine.js';
import { DIMM_USER } from './guests/devices.js';
import { mixed } from './guests/guest.js';
import { QUIET } from './guests/quiet.js';
import * as layout from './hart/layout.js';
import { Replica } from './replica.js';

const HARTS = 2;
const TURNS = 3;

describe('A DIMM', () => {
  for (const [tracking, form] of FORMS) {
    it(`is used as soon as it is there, and given back when it is wanted: ${tracking}${form}`, async () => {
      const guest = await GuestMachine.start(mixed([DIMM_USER, QUIET]), { harts: HARTS, tracking });
      const { machine } = guest;
      for (let turn = 0; turn < TURNS; turn++) {
        const bytes = machine.plug(DIMM);
        machine.board.set(layout.BOARD_DIMM_BASE, layout.RAM_BASE + DIMM.offset);
        machine.board.set(layout.BOARD_DIMM_BYTES, DIMM.size);
        machine.board.set(layout.BOARD_DIMM_STATE, layout.DIMM_PLUGGED);
        const replica = await Replica.begin(machine, 'replica');
        replica.follow(0);
        await guest.rounds(3);
        await replica.rest();
        await machine.pause();
        expect(replica.differing()).to.deep.equal([]);
        expect(bytes.some((byte) => byte !== 0)).to.equal(true);
        machine.resume();
        await replica.stop();

        machine.board.set(layout.BOARD_DIMM_STATE, layout.DIMM_WANTED_BACK);
        await guest.until(() => machine.board.get(layout.BOARD_DIMM_STATE) === layout.DIMM_GIVEN_BACK);
        await machine.unplug(DIMM.id);
        machine.board.set(layout.BOARD_DIMM_STATE, layout.DIMM_NONE);
      }
      expect(faultsOf(await guest.finish(), 3 * TURNS)).to.deep.equal([]);
      await guest.close();
    });
  }
});

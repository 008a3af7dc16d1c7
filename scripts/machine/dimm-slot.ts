/**
 * The DIMM slot of a Linux machine. A key plugs a DIMM, of which the board tells the guest, or asks for it back; it is
 * unplugged when the guest has said that it uses it no more. The state is the board's, so it moves with the machine.
 */
import * as layout from '../../spec/machine/hart/layout.js';
import { DIMM } from '../../spec/machine/linux/linux-machine.js';
import type { Machine } from '../../spec/machine/machine.js';

export class DimmSlot {
  private readonly machine: Machine;
  private unplugging = false;

  constructor(machine: Machine) {
    this.machine = machine;
  }

  /** What the key does. @returns what to tell the user */
  press(): string {
    const { board } = this.machine;
    if (!this.isPlugged) {
      this.machine.plug(DIMM);
      board.set(layout.BOARD_DIMM_BASE, layout.RAM_BASE + DIMM.offset);
      board.set(layout.BOARD_DIMM_BYTES, DIMM.size);
      board.set(layout.BOARD_DIMM_STATE, layout.DIMM_PLUGGED);
      return `a DIMM of ${DIMM.size} bytes at 0x${(layout.RAM_BASE + DIMM.offset).toString(16)}`;
    }
    if (board.get(layout.BOARD_DIMM_STATE) !== layout.DIMM_PLUGGED) return 'the DIMM is not given back yet';
    board.set(layout.BOARD_DIMM_STATE, layout.DIMM_WANTED_BACK);
    return 'the DIMM is wanted back';
  }

  /** Unplugs a DIMM that the guest has given back. @returns what to tell the user, if anything */
  async look(): Promise<string | undefined> {
    const { board } = this.machine;
    if (this.unplugging || board.get(layout.BOARD_DIMM_STATE) !== layout.DIMM_GIVEN_BACK) return undefined;
    this.unplugging = true;
    // A machine that moved in between has arrived without it, and has the register as it was.
    if (this.isPlugged) await this.machine.unplug(DIMM.id);
    board.set(layout.BOARD_DIMM_STATE, layout.DIMM_NONE);
    this.unplugging = false;
    return 'the DIMM is unplugged';
  }

  private get isPlugged(): boolean {
    return this.machine.memory.ram.get(DIMM.id) !== undefined;
  }
}

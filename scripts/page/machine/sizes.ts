/** Where the RAM of the page's machine is. */
import { MIB } from '../../../spec/machine/machine.js';

export const RAM = { id: 'ram', offset: 0, size: 32 * MIB } as const;
/** Sockets one after the other, for a DIMM each. */
export const DIMMS = { offset: 32 * MIB, bytes: 2 * MIB, slots: 4 } as const;

export const dimmAt = (slot: number) => ({
  id: `dimm${slot}`,
  offset: DIMMS.offset + slot * DIMMS.bytes,
  size: DIMMS.bytes,
});

/**
 * The state of the machine apart from RAM: how many harts, the guest's time, the board, what was typed, and for each hart
 * its registers, CSRs, timers, and what the SBI keeps for it.
 */
import type { Board } from './board.js';
import * as layout from './hart/layout.js';

const MAGIC = 0x76726d64;
const VERSION = 1;
const HEADER_BYTES = 24;
const TYPED_BYTES = layout.CONTROL_RING + layout.RING_BYTES - layout.CONTROL_TYPED;

/** The places of the state in the memory, one after the other. */
function parts(harts: number): [at: number, bytes: number][] {
  return [
    [layout.BOARD, layout.BOARD_BYTES],
    [layout.CONTROL + layout.CONTROL_TYPED, TYPED_BYTES],
    ...Array.from({ length: harts }, (_, hart): [number, number] => [
      layout.HARTS + hart * layout.HART_BYTES,
      layout.STATE_BYTES,
    ]),
  ];
}

/** @param time the guest's, in ticks */
export function saveState(board: Board, harts: number, time: bigint): Uint8Array {
  const places = parts(harts);
  const bytes = new Uint8Array(HEADER_BYTES + places.reduce((sum, [, length]) => sum + length, 0));
  const header = new DataView(bytes.buffer);
  header.setUint32(0, MAGIC, true);
  header.setUint32(4, VERSION, true);
  header.setUint32(8, harts, true);
  header.setUint32(12, board.control(layout.CONTROL_DOWN), true);
  header.setBigInt64(16, time, true);
  let to = HEADER_BYTES;
  for (const [at, length] of places) {
    bytes.set(board.bytes.subarray(at, at + length), to);
    to += length;
  }
  return bytes;
}

/** @returns the guest's time, in ticks. @throws Error unless it is the state of a machine with so many harts */
export function loadState(board: Board, harts: number, state: Uint8Array): bigint {
  const header = new DataView(state.buffer, state.byteOffset, state.byteLength);
  const places = parts(harts);
  const length = HEADER_BYTES + places.reduce((sum, [, bytes]) => sum + bytes, 0);
  if (state.length < HEADER_BYTES || header.getUint32(0, true) !== MAGIC || header.getUint32(4, true) !== VERSION) {
    throw new Error('this is no state of a machine, or of another version');
  }
  if (header.getUint32(8, true) !== harts || state.length !== length) {
    throw new Error(`the state has ${header.getUint32(8, true)} harts, and the machine ${harts}`);
  }
  let from = HEADER_BYTES;
  for (const [at, bytes] of places) {
    board.bytes.set(state.subarray(from, from + bytes), at);
    from += bytes;
  }
  board.setControl(layout.CONTROL_DOWN, header.getUint32(12, true));
  return header.getBigInt64(16, true);
}

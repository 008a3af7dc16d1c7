/**
 * What is not RAM: the CLINT, whose registers are those of the harts, and the board, which has the hotplug mailbox, the
 * framebuffer's place, the power switch and the console. The board's registers are words of the shared memory, so the
 * host sees them, and they are a part of the machine's state.
 */
import {
  BOARD,
  BOARD_ADDRESS,
  BOARD_BYTES,
  BOARD_CONSOLE,
  BOARD_HARTS,
  BOARD_POWER,
  CONTROL,
  CONTROL_DOWN,
  CONTROL_RING,
  CONTROL_TAKEN,
  CONTROL_TYPED,
  MSIP,
  MTIMECMP,
  RING_BYTES,
} from './layout';
import { areaOf, leave, LOAD_ACCESS, LOOK, raise, STOPPED, STORE_ACCESS } from './state';
import { interrupt, now } from './timer';

@external('host', 'print')
declare function callPrint(byte: u32): void;

const CLINT: u64 = 0x2000000;
const CLINT_BYTES: u64 = 0x10000;
const CLINT_TIMERS: u32 = 0x4000;
const CLINT_TIME: u32 = 0xbff8;
const BOARD_AT: u64 = u64(BOARD_ADDRESS);

@inline
function isClint(address: u64): bool {
  return address - CLINT < CLINT_BYTES;
}

export function isDevice(address: u64): bool {
  return isClint(address) || address - BOARD_AT < u64(BOARD_BYTES);
}

function harts(): u32 {
  return u32(atomic.load<u64>(BOARD, BOARD_HARTS));
}

/** Where the register of the CLINT at an offset is; 0 where there is none. */
function clintRegister(offset: u32, size: u32): u32 {
  if (size == 4 && offset < 4 * harts()) return areaOf(offset >>> 2) + MSIP;
  const timer = (offset - CLINT_TIMERS) >>> 3;
  if (offset >= CLINT_TIMERS && timer < harts()) return areaOf(timer) + MTIMECMP + (offset & 7);
  return 0;
}

/** @param at the address that the guest has loaded from, for an exception */
export function loadDevice(address: u64, size: u32, at: u64): u64 {
  if (size >= 4) {
    if (!isClint(address)) return loadBoard(u32(address - BOARD_AT), size);
    const offset = u32(address - CLINT);
    if ((offset & ~7) == CLINT_TIME) return size == 8 ? now() : (now() >>> ((offset & 4) * 8)) & 0xffffffff;
    const register = clintRegister(offset, size);
    if (register != 0) return size == 8 ? atomic.load<u64>(register) : u64(atomic.load<u32>(register));
  }
  raise(LOAD_ACCESS, at);
  return 0;
}

export function storeDevice(address: u64, value: u64, size: u32, at: u64): void {
  if (size >= 4) {
    if (!isClint(address)) {
      if (size == 8) {
        storeBoard(u32(address - BOARD_AT), value);
        return;
      }
    } else {
      const offset = u32(address - CLINT);
      if (size == 4 && offset < 4 * harts()) {
        storeSoftwareInterrupt(offset >>> 2, value);
        return;
      }
      const register = clintRegister(offset, size);
      if (register != 0) {
        if (size == 8) atomic.store<u64>(register, value);
        else atomic.store<u32>(register, u32(value));
        leave(LOOK);
        return;
      }
    }
  }
  raise(STORE_ACCESS, at);
}

function storeSoftwareInterrupt(which: u32, value: u64): void {
  if ((value & 1) != 0) interrupt(which, MSIP);
  else atomic.store<u32>(areaOf(which) + MSIP, 0);
  leave(LOOK);
}

function loadBoard(register: u32, size: u32): u64 {
  if (register == BOARD_CONSOLE) return typed();
  return size == 8 ? atomic.load<u64>(BOARD + register) : u64(atomic.load<u32>(BOARD + register));
}

function storeBoard(register: u32, value: u64): void {
  if (register == BOARD_POWER) powerDown(u32(value));
  else if (register == BOARD_CONSOLE) callPrint(u32(value) & 255);
  else atomic.store<u64>(BOARD + register, value);
}

/** @param how 1 to power down, 2 to reset; what is neither powers down */
export function powerDown(how: u32): void {
  atomic.store<u32>(CONTROL, how == 2 ? 2 : 1, CONTROL_DOWN);
  leave(STOPPED);
}

export function print(byte: u32): void {
  callPrint(byte & 255);
}

/** Takes a byte that was typed; -1 when there is none. One hart at a time has the console. */
export function typed(): u64 {
  const taken = atomic.load<u32>(CONTROL, CONTROL_TAKEN);
  if (taken == atomic.load<u32>(CONTROL, CONTROL_TYPED)) return ~0;
  const byte = load<u8>(CONTROL + CONTROL_RING + (taken & (RING_BYTES - 1)));
  atomic.store<u32>(CONTROL, taken + 1, CONTROL_TAKEN);
  return byte;
}

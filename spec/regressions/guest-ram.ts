/** What a vCPU stores through in the examples: `spec/examples/guest-stores-ram.mjs`, with its types. */
import type { Vcpu } from '../../lib/vcpu.js';

export type Width = 1 | 2 | 4 | 8;
/** Of 8 bytes a BigInt. */
export type GuestValue = number | bigint;
export type Operation = 'add' | 'sub' | 'and' | 'or' | 'xor' | 'exchange';

export interface GuestRam {
  readonly vcpu: Vcpu;
  store(addr: number, width: Width, value: GuestValue): void;
  readModifyWrite(operation: Operation, addr: number, width: Width, operand: GuestValue): GuestValue;
  compareExchange(addr: number, width: Width, expected: GuestValue, value: GuestValue): GuestValue;
}

export type GuestRamClass = new (
  vcpu: Vcpu,
  buffer: ArrayBufferLike,
  codeTurned: (addr: number, width: Width) => void,
) => GuestRam;

const example = await import(new URL('../examples/guest-stores-ram.mjs', import.meta.url).href);
export const GuestRam: GuestRamClass = example.GuestRam;

/** `GuestRam` behind one function for all widths, as a test of every width wants it. */
import { GuestRam as ShippedRam } from '../../lib/guest/index.js';
import type { Vcpu } from '../../lib/vcpu.js';

export type Width = 1 | 2 | 4 | 8;
/** Of 8 bytes a BigInt. */
export type GuestValue = number | bigint;
export type Operation = 'add' | 'sub' | 'and' | 'or' | 'xor' | 'exchange';
type Bits = 8 | 16 | 32;

export class GuestRam {
  readonly vcpu: Vcpu;
  private readonly ram: ShippedRam;
  private readonly codeTurned: (addr: number, width: Width) => void;
  private turned = false;

  constructor(vcpu: Vcpu, buffer: ArrayBuffer | SharedArrayBuffer, codeTurned: (addr: number, width: Width) => void) {
    this.vcpu = vcpu;
    this.codeTurned = codeTurned;
    this.ram = new ShippedRam(vcpu, buffer, {
      onCode: () => {
        this.turned = true;
      },
    });
  }

  store(addr: number, width: Width, value: GuestValue): void {
    const { ram } = this;
    this.access(addr, width, () => {
      if (width === 1) ram.store8(addr, value as number);
      else if (width === 2) ram.store16(addr, value as number);
      else if (width === 4) ram.store32(addr, value as number);
      else if (addr % 8 === 0) ram.atomicStore64(addr, value as bigint);
      else ram.store64(addr, value as bigint);
    });
  }

  readModifyWrite(operation: Operation, addr: number, width: Width, operand: GuestValue): GuestValue {
    const { ram } = this;
    return this.access(addr, width, () =>
      width === 8
        ? ram.readModifyWrite64(operation, addr, operand as bigint)
        : ram.readModifyWrite(operation, addr, (8 * width) as Bits, operand as number),
    );
  }

  compareExchange(addr: number, width: Width, expected: GuestValue, value: GuestValue): GuestValue {
    const { ram } = this;
    return this.access(addr, width, () =>
      width === 8
        ? ram.compareExchange64(addr, expected as bigint, value as bigint)
        : ram.compareExchange(addr, (8 * width) as Bits, expected as number, value as number),
    );
  }

  private access<T>(addr: number, width: Width, body: () => T): T {
    const result = body();
    if (this.turned) this.codeTurned(addr, width);
    this.turned = false;
    return result;
  }
}

export type GuestRamClass = typeof GuestRam;

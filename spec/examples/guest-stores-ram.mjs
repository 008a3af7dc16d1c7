const PAGE = 4096;
const ALL_CLIENTS = 7;
const CODE = 2;

/** What a vCPU's instructions store through. Addresses are ram_addrs, values of 8 bytes BigInts. */
export class GuestRam {
  /** @param codeTurned what to do with translations: called with the bytes whose pages just turned dirty for CODE */
  constructor(vcpu, buffer, codeTurned) {
    this.vcpu = vcpu;
    this.codeTurned = codeTurned;
    this.views = {
      1: new Uint8Array(buffer),
      2: new Uint16Array(buffer),
      4: new Uint32Array(buffer),
      8: new BigUint64Array(buffer),
    };
    this.unaligned = new DataView(buffer);
  }

  store(addr, width, value) {
    this.#access(addr, width, () => {
      if (addr % width !== 0) this.#storeUnaligned(addr, width, value);
      // Of 8 bytes only an atomic one is whole for other threads; up to 4 every one is.
      else if (width === 8) Atomics.store(this.views[8], addr / 8, value);
      else this.views[width][addr / width] = value;
    });
  }

  /** @param operation 'add', 'sub', 'and', 'or', 'xor' or 'exchange'. @returns what was there */
  readModifyWrite(operation, addr, width, operand) {
    const index = indexOf(addr, width);
    return this.#access(addr, width, () => Atomics[operation](this.views[width], index, operand));
  }

  /** Marks also where it fails: it is a write access, x86 writes the old value back. @returns what was there */
  compareExchange(addr, width, expected, value) {
    const index = indexOf(addr, width);
    return this.#access(addr, width, () => Atomics.compareExchange(this.views[width], index, expected, value));
  }

  /** Mark and store are one interval; the mark comes first, because the thread may be killed between the two. */
  #access(addr, width, access) {
    const { vcpu } = this;
    const inOnePage = (addr % PAGE) + width <= PAGE;
    const turned = inOnePage ? vcpu.mark(addr) : vcpu.markRange(addr, width, ALL_CLIENTS);
    const before = access();
    if ((turned & CODE) !== 0) this.codeTurned(addr, width);
    return before;
  }

  /** In pieces, as other threads may see it; real processors promise no more where it crosses a cache line. */
  #storeUnaligned(addr, width, value) {
    if (width === 8) this.unaligned.setBigUint64(addr, value, true);
    else if (width === 4) this.unaligned.setUint32(addr, value, true);
    else this.unaligned.setUint16(addr, value, true);
  }
}

function indexOf(addr, width) {
  if (addr % width !== 0) throw new RangeError(`an atomic access of ${width} bytes at ${addr} is not aligned`);
  return addr / width;
}

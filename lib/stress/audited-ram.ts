/**
 * The RAM block whose pages have real bytes, and the stores that vCPUs make there through `GuestRam`: of every width, at
 * any alignment, atomic, and of many bytes. Each also changes the cell of the page that it begins in, so that the
 * lost-update oracle sees a mark that was kept for too long. What is forgotten of its other pages the audit alone sees.
 */
import type { Vcpu } from '../dirty/vcpu.js';
import { GuestRam } from '../guest/guest-ram.js';
import { Counter, type Guest } from './guest.js';
import type { Marks } from './marks.js';
import type { Choices } from './plan.js';
import { SABOTAGES } from './sabotage/catalogue.js';

/** Many for the stores that are made, because a page that is marked again hides what was forgotten. */
export const AUDITED_PAGES = 512;
/** Its first page. The DIMMs that come and go may lie beside it. */
export const AUDITED_FIRST = 4096 + 6 * 1024;
/** Pages of other sizes have no audit: `GuestRam` takes none smaller, and the bytes of larger ones would fill the host. */
const PAGE_SIZES = { least: 8, most: 2 ** 16 };
/** The most bytes of a store. */
const LONGEST = 300;

/** The bytes, which all threads share. */
export class AuditedRam {
  readonly buffer: SharedArrayBuffer;

  constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer;
  }

  /** @returns undefined when pages of that size have no audit */
  static of(pageSize: number): AuditedRam | undefined {
    if (pageSize < PAGE_SIZES.least || pageSize > PAGE_SIZES.most) return undefined;
    return new AuditedRam(new SharedArrayBuffer(AUDITED_PAGES * pageSize));
  }

  get bytes(): Uint8Array {
    return new Uint8Array(this.buffer);
  }
}

/** A vCPU's stores there. */
export class AuditedStores {
  private readonly ram: GuestRam;
  private readonly guest: Guest;
  private readonly marks: Marks;
  private readonly choices: Choices;
  private readonly pageSize: number;
  private readonly start: number;
  private readonly size: number;
  private made = 0;

  constructor(
    vcpu: Vcpu,
    { buffer }: AuditedRam,
    { guest, marks, choices, sabotage }: { guest: Guest; marks: Marks; choices: Choices; sabotage: string | undefined },
  ) {
    this.pageSize = buffer.byteLength / AUDITED_PAGES;
    this.start = AUDITED_FIRST * this.pageSize;
    this.size = buffer.byteLength;
    const broken = sabotage === undefined ? undefined : SABOTAGES[sabotage]?.ram;
    const parts = [{ offset: this.start, contents: buffer }];
    this.ram = broken === undefined ? new GuestRam(vcpu, parts) : broken(vcpu, parts);
    this.guest = guest;
    this.marks = marks;
    this.choices = choices;
  }

  /** Makes some stores, of one interval. @param next gives values that no worker has stored recently */
  make(count: number, next: () => number): void {
    for (let i = 0; i < count; i++) {
      const value = next();
      const at = this.choose();
      const addr = this.start + at;
      this.store(addr, value);
      this.guest.write(Math.floor(addr / this.pageSize), value);
    }
    this.made += count;
  }

  /** Half of the places lie just before the beginning of a page. */
  private choose(): number {
    const { choices, pageSize, size } = this;
    if (choices.oneIn(2)) return choices.between(0, size - LONGEST);
    const last = Math.floor((size - LONGEST) / pageSize);
    return choices.between(1, last) * pageSize - choices.between(1, 7);
  }

  flush(): void {
    this.guest.count(Counter.GuestStores, this.made);
    this.made = 0;
  }

  private store(addr: number, value: number): void {
    const { ram, choices, marks, pageSize } = this;
    marks.mayTurn(Math.ceil(LONGEST / pageSize) + 1);
    const aligned = addr - (addr % 8);
    switch (choices.between(0, 7)) {
      case 0:
        ram.store8(addr, value);
        break;
      case 1:
        ram.store16(addr, value);
        break;
      case 2:
      case 3:
        ram.store32(addr, value);
        break;
      case 4:
        ram.store64(addr, BigInt(value));
        break;
      case 5:
        ram.readModifyWrite('exchange', aligned, 32, value);
        break;
      case 6:
        ram.compareExchange64(aligned, ram.atomicLoad64(aligned), BigInt(value));
        break;
      default:
        ram.fill(value, addr, choices.between(1, LONGEST));
    }
  }
}

/**
 * `GuestRam` against a model: a DataView over the bytes of all blocks, and for each store the pages that it touches. After
 * any sequence of stores, quiescent states, waits of the owner, and RAM that comes and goes, a harvest must find exactly
 * the model's pages, and the RAM must have exactly the model's bytes.
 */
import { expect } from 'chai';
import fc from 'fast-check';
import { GuestRam } from '../../lib/guest/index.js';
import { CODE, type DirtyMemory, MIGRATION, type RamBlock } from '../../lib/index.js';
import { attachVcpu, type Vcpu } from '../../lib/vcpu.js';
import { CLIENTS, pagesOf, smallEngine } from '../support/engines.js';
import { itInBothForms } from '../support/long.js';

/** Places of blocks, in pages: one from 0, one beside it, and one that is far. */
const PLACES = [
  { first: 0, pages: 5 },
  { first: 5, pages: 3 },
  { first: 70, pages: 2 },
] as const;
const END = 72;

type Step =
  | { do: 'store8' | 'store16' | 'store32' | 'store64' | 'storeF32' | 'storeF64'; at: number; value: number }
  | { do: 'add' | 'compare'; at: number; bits: 8 | 16 | 32 | 64; value: number }
  | { do: 'fill' | 'set'; at: number; length: number; value: number }
  | { do: 'copy'; at: number; from: number; length: number }
  | { do: 'quiescent' | 'poll' | 'offline' | 'harvest' | 'wait' }
  | { do: 'toggle'; place: number };

/** Where in RAM, as a share of it, and how far from the next page's beginning: most accesses lie near one. */
const at = fc
  .record({ page: fc.nat(END), by: fc.oneof(fc.integer({ min: -9, max: 9 }), fc.nat(4096)) })
  .map(({ page, by }) => ({ page, by }));
const value = fc.integer({ min: -(2 ** 31), max: 2 ** 32 - 1 });
const length = fc.oneof(fc.nat(20), fc.nat(3 * 4096));

const stepsOf = (pageSize: number): fc.Arbitrary<Step> => {
  const addr = at.map(({ page, by }) => Math.max(0, page * pageSize + (by % pageSize)));
  return fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        do: fc.constantFrom('store8', 'store16', 'store32', 'store64', 'storeF32', 'storeF64'),
        at: addr,
        value,
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constantFrom('add', 'compare'),
        at: addr,
        bits: fc.constantFrom(8, 16, 32, 64),
        value,
      }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('fill', 'set'), at: addr, length, value }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('copy'), at: addr, from: addr, length }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('quiescent', 'poll', 'offline', 'harvest', 'wait') }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('toggle'), place: fc.nat(PLACES.length - 1) }) },
  ) as fc.Arbitrary<Step>;
};

class Compared {
  readonly memory: DirtyMemory;
  readonly vcpu: Vcpu;
  private readonly ram: GuestRam;
  private readonly pageSize: number;
  private readonly model: DataView;
  private readonly bytes: Uint8Array;
  /** Each place's own buffer while it is plugged. */
  private readonly blocks: ({ block: RamBlock; contents: Uint8Array } | undefined)[] = PLACES.map(() => undefined);
  private dirty = new Set<number>();
  /** The pages that are dirty for CODE, by what `onCode` tells. */
  private readonly turned = new Set<number>();

  constructor(pageSize: number) {
    this.pageSize = pageSize;
    this.memory = smallEngine({ pageSize, maxRamBytes: 128 * pageSize, debug: false });
    this.vcpu = attachVcpu(this.memory.handle);
    this.bytes = new Uint8Array(END * pageSize);
    this.model = new DataView(this.bytes.buffer);
    this.ram = new GuestRam(this.vcpu, [], {
      onCode: (start, bytes) => {
        for (let addr = start; addr < start + bytes; addr += pageSize) {
          expect(this.turned.has(addr / pageSize), `page ${addr / pageSize} turned twice`).to.equal(false);
          this.turned.add(addr / pageSize);
        }
      },
    });
  }

  async step(step: Step): Promise<void> {
    const { memory, vcpu } = this;
    switch (step.do) {
      case 'quiescent':
        vcpu.quiescent();
        return;
      case 'poll':
        memory.rcu.startPoll();
        return;
      case 'offline':
        vcpu.offline(() => {});
        return;
      case 'wait':
        return memory.rcu.synchronize();
      case 'harvest':
        return this.compare();
      case 'toggle':
        return this.toggle(step.place);
      default:
        this.access(step);
    }
  }

  async compare(): Promise<void> {
    const expected = [...this.dirty].sort((a, b) => a - b);
    for (const client of CLIENTS) {
      const { set } = await this.memory.harvest(client);
      expect(pagesOf(set, this.pageSize)).to.deep.equal(expected);
      set.dispose();
      if (client === CODE) this.turned.clear();
    }
    this.dirty = new Set();
    this.blocks.forEach((there, i) => {
      if (there === undefined) return;
      const first = (PLACES[i] as (typeof PLACES)[number]).first * this.pageSize;
      expect(Buffer.compare(there.contents, this.bytes.subarray(first, first + there.contents.length))).to.equal(0);
    });
  }

  async toggle(number: number): Promise<void> {
    const { first, pages } = PLACES[number] as (typeof PLACES)[number];
    const [offset, size] = [first * this.pageSize, pages * this.pageSize];
    const there = this.blocks[number];
    const all = Array.from({ length: pages }, (_, i) => first + i);
    if (there === undefined) {
      const block = this.memory.ram.plug({ id: `at ${first}`, offset, size });
      const contents = new Uint8Array(new SharedArrayBuffer(size));
      this.ram.map(offset, contents);
      this.blocks[number] = { block, contents };
      this.bytes.fill(0, offset, offset + size);
      for (const page of all) this.dirty.add(page);
      for (const page of all) this.turned.delete(page);
      return;
    }
    this.ram.unmap(offset, size);
    this.blocks[number] = undefined;
    for (const page of all) this.dirty.delete(page);
    await this.memory.ram.unplug(there.block);
  }

  private access(step: Exclude<Step, { do: 'toggle' | 'quiescent' | 'poll' | 'offline' | 'harvest' | 'wait' }>): void {
    const { ram, model } = this;
    const { at } = step;
    switch (step.do) {
      case 'store8':
        this.agree(
          at,
          1,
          () => ram.store8(at, step.value),
          () => model.setUint8(at, step.value),
        );
        break;
      case 'store16':
        this.agree(
          at,
          2,
          () => ram.store16(at, step.value),
          () => model.setUint16(at, step.value, true),
        );
        break;
      case 'store32':
        this.agree(
          at,
          4,
          () => ram.store32(at, step.value),
          () => model.setUint32(at, step.value, true),
        );
        break;
      case 'storeF32':
        this.agree(
          at,
          4,
          () => ram.storeF32(at, step.value),
          () => model.setFloat32(at, step.value, true),
        );
        break;
      case 'storeF64':
        this.agree(
          at,
          8,
          () => ram.storeF64(at, step.value),
          () => model.setFloat64(at, step.value, true),
        );
        break;
      case 'store64': {
        const wide = BigInt(step.value) * 0x1_0000_0001n;
        this.agree(
          at,
          8,
          () => ram.store64(at, wide),
          () => model.setBigUint64(at, BigInt.asUintN(64, wide), true),
        );
        break;
      }
      case 'fill':
        this.agree(
          at,
          step.length,
          () => ram.fill(step.value, at, step.length),
          () => this.bytes.fill(step.value, at, at + step.length),
        );
        break;
      case 'set': {
        const source = Uint8Array.from({ length: step.length }, (_, i) => i + step.value);
        this.agree(
          at,
          step.length,
          () => ram.set(source, at),
          // A typed array refuses to set nothing behind its end; guest RAM does not.
          () => source.length > 0 && this.bytes.set(source, at),
        );
        break;
      }
      case 'copy': {
        const { from, length } = step;
        if (!this.isRam(from, length)) {
          expect(() => ram.copyWithin(at, from, length)).to.throw(RangeError);
          break;
        }
        this.agree(
          at,
          length,
          () => ram.copyWithin(at, from, length),
          () => this.bytes.copyWithin(at, from, from + length),
        );
        break;
      }
      default:
        this.atomic(step);
    }
  }

  private atomic({ do: what, at, bits, value }: Extract<Step, { bits: number }>): void {
    const { ram, model } = this;
    const width = bits / 8;
    const isAligned = at % width === 0;
    const read = (): bigint =>
      BigInt.asUintN(
        bits,
        width === 8
          ? model.getBigUint64(at, true)
          : BigInt(
              width === 4 ? model.getUint32(at, true) : width === 2 ? model.getUint16(at, true) : model.getUint8(at),
            ),
      );
    const write = (next: bigint): void => {
      for (let i = 0; i < width; i++) model.setUint8(at + i, Number((next >> BigInt(8 * i)) & 0xffn));
    };
    const real = (): bigint => {
      if (bits === 64) {
        return what === 'add'
          ? ram.readModifyWrite64('add', at, BigInt(value))
          : ram.compareExchange64(at, ram.atomicLoad64(at) + BigInt(value & 1), BigInt(value));
      }
      return BigInt(
        what === 'add'
          ? ram.readModifyWrite('add', at, bits, value)
          : ram.compareExchange(at, bits, ram.atomicLoad(at, bits) + (value & 1), value),
      );
    };
    if (!isAligned) {
      expect(real).to.throw(RangeError);
      return;
    }
    let before: bigint | undefined;
    this.agree(
      at,
      width,
      () => {
        before = real();
      },
      () => {
        const was = read();
        expect(before).to.equal(was);
        if (what === 'add') write(BigInt.asUintN(bits, was + BigInt(value)));
        else if ((value & 1) === 0) write(BigInt.asUintN(bits, BigInt(value)));
      },
    );
  }

  /** Both do it, or the real one refuses where there is no RAM. */
  private agree(at: number, length: number, real: () => unknown, modelled: () => unknown): void {
    if (!this.isRam(at, length)) {
      expect(real).to.throw(RangeError);
      return;
    }
    real();
    modelled();
    if (length === 0) return;
    for (let page = Math.floor(at / this.pageSize); page <= Math.floor((at + length - 1) / this.pageSize); page++) {
      this.dirty.add(page);
      expect(this.turned.has(page) || this.memory.isDirty(page * this.pageSize, 1, MIGRATION)).to.equal(true);
    }
  }

  private isRam(at: number, length: number): boolean {
    for (let addr = at; addr < at + length; addr++) {
      const page = Math.floor(addr / this.pageSize);
      const place = PLACES.findIndex(({ first, pages }) => first <= page && page < first + pages);
      if (place < 0 || this.blocks[place] === undefined) return false;
    }
    return true;
  }
}

describe('GuestRam, in any sequence of stores, intervals and hotplug', () => {
  for (const pageSize of [64, 4096]) {
    itInBothForms(
      `agrees with a DataView and a set of pages, with pages of ${pageSize} bytes`,
      60,
      600,
      async (numRuns) => {
        const sequences = fc.array(stepsOf(pageSize), { minLength: 5, maxLength: 120, size: 'max' });
        await fc.assert(
          fc.asyncProperty(sequences, async (sequence) => {
            const compared = new Compared(pageSize);
            await compared.toggle(0);
            await compared.toggle(2);
            await compared.compare();
            for (const step of sequence) await compared.step(step);
            await compared.compare();
            compared.vcpu.detach();
            await compared.memory.close();
          }),
          { numRuns },
        );
      },
    );
  }
});

import { expect } from 'chai';
import { showAddress } from '../../lib/base/errors.js';
import { GuestRam } from '../../lib/guest/index.js';
import { MarkedWindows } from '../../lib/guest/marked-windows.js';
import { type DirtyMemory, MIGRATION, type RamBlock, VGA } from '../../lib/index.js';
import { attachVcpu, type Vcpu } from '../../lib/vcpu.js';
import { CLIENTS, describeEngines, PAGE, pagesOf, smallEngine } from '../support/engines.js';
import { expectThrow } from '../support/refusals.js';

type Stores = 'store8' | 'store16' | 'store32' | 'store64' | 'storeF32' | 'storeF64';

/** Each store, its width, a value, and the loads that give the value back, each with what it must return. */
const WIDTHS: [Stores, number, number | bigint, Partial<Record<keyof GuestRam, number | bigint>>][] = [
  ['store8', 1, 0xf1, { loadU8: 0xf1, loadS8: 0xf1 - 2 ** 8 }],
  ['store16', 2, 0xf1e2, { loadU16: 0xf1e2, loadS16: 0xf1e2 - 2 ** 16 }],
  ['store32', 4, 0xf1e2d3c4, { loadU32: 0xf1e2d3c4, loadS32: 0xf1e2d3c4 - 2 ** 32 }],
  ['store64', 8, 0xf1e2d3c4b5a69788n, { loadU64: 0xf1e2d3c4b5a69788n, loadS64: 0xf1e2d3c4b5a69788n - 2n ** 64n }],
  ['storeF32', 4, 1.5, { loadF32: 1.5 }],
  ['storeF64', 8, -1e300, { loadF64: -1e300 }],
];

/** The bytes of a value, least first. */
function bytesOf(store: Stores, width: number, value: number | bigint): number[] {
  const view = new DataView(new ArrayBuffer(8));
  if (store === 'storeF32') view.setFloat32(0, Number(value), true);
  else if (store === 'storeF64') view.setFloat64(0, Number(value), true);
  else view.setBigUint64(0, BigInt(value), true);
  return [...new Uint8Array(view.buffer, 0, width)];
}

describeEngines('GuestRam', (shared) => {
  let memory: DirtyMemory;
  let vcpu: Vcpu;
  let buffer: ArrayBuffer | SharedArrayBuffer;
  let bytes: Uint8Array;
  let ram: GuestRam;
  let low: RamBlock;
  let code: [start: number, length: number][];
  const onCode = (start: number, length: number): void => void code.push([start, length]);

  const open = (pageSize: number): void => {
    memory = smallEngine({ pageSize, maxRamBytes: 4096 * pageSize, debug: false });
    low = memory.ram.plug({ id: 'low', size: 16 * pageSize });
    vcpu = attachVcpu(memory.handle);
    buffer = shared ? new SharedArrayBuffer(low.size) : new ArrayBuffer(low.size);
    bytes = new Uint8Array(buffer);
    code = [];
    ram = new GuestRam(vcpu, buffer, { onCode });
    collected();
  };

  /** The pages that are dirty for each client since the last call, which ends the interval. */
  const collected = (): number[][] =>
    CLIENTS.map((client) => {
      const { set } = memory.whileStopped.harvest(client);
      const pages = pagesOf(set, memory.pageSize);
      set.dispose();
      return pages;
    });
  const expectDirty = (pages: number[]): void => {
    expect(collected()).to.deep.equal([pages, pages, pages]);
  };
  const store = (name: Stores, addr: number, value: number | bigint): void =>
    (ram[name] as (addr: number, value: number | bigint) => void).call(ram, addr, value);
  const load = (name: keyof GuestRam, addr: number): unknown =>
    (ram[name] as (addr: number) => unknown).call(ram, addr);

  afterEach(async () => {
    vcpu.detach();
    await memory.close();
  });

  for (const pageSize of [8, 256, PAGE, 4 * PAGE]) {
    describe(`with pages of ${pageSize} bytes`, () => {
      beforeEach(() => open(pageSize));

      for (const [name, width, value, loads] of WIDTHS) {
        it(`${name} marks the pages that it touches, at any alignment and across pages, and loads give it back`, () => {
          const around = Array.from({ length: 2 * width + 1 }, (_, i) => 3 * pageSize - width + i - 8);
          for (const addr of [0, ...around, ...around.map((at) => at + 8), 16 * pageSize - width]) {
            const expected = new Uint8Array(bytes.length);
            expected.set(bytesOf(name, width, value), addr);
            for (const nth of ['first', 'second']) {
              bytes.fill(0);
              store(name, addr, value);
              expect(Buffer.compare(bytes, expected), `${nth} store of an interval`).to.equal(0);
            }
            const [first, last] = [Math.floor(addr / pageSize), Math.floor((addr + width - 1) / pageSize)];
            expectDirty(first === last ? [first] : [first, last]);
            for (const [how, expected] of Object.entries(loads)) {
              expect(load(how as keyof GuestRam, addr), how).to.equal(expected);
            }
            expectDirty([]);
          }
        });

        it(`${name} marks once an interval, and again in the next`, () => {
          for (let i = 0; i < 600; i++) {
            store(name, 2 * pageSize, value);
            store(name, 2 * pageSize, value);
            expectDirty([2]);
          }
        });

        it(`${name} and its loads are refused where there is no RAM, also in part, and mark and store nothing`, () => {
          const end = 16 * pageSize;
          for (const page of [0, 15]) store(name, page * pageSize, width === 8 && name === 'store64' ? 0n : 0);
          for (const addr of [end, end - width + 1, -1, -8, 2 ** 31, 2 ** 32, 2 ** 32 + 8, 2 ** 44, Number.NaN, 0.5]) {
            if (addr === end - width + 1 && width === 1) continue;
            expectThrow(() => store(name, addr, value), RangeError, name);
            for (const how of Object.keys(loads)) {
              expectThrow(() => load(how as keyof GuestRam, addr), RangeError, how);
            }
          }
          for (const how of [name, ...Object.keys(loads)]) {
            const access = (): unknown => (how === name ? store(name, end, value) : load(how as keyof GuestRam, end));
            expectThrow(
              access,
              RangeError,
              `${how}: bytes ${showAddress(end)} to ${showAddress(end + width)} are not all mapped`,
            );
          }
          expectThrow(() => store(name, '8' as never, value), TypeError, name);
          expect(bytes.every((byte) => byte === 0)).to.equal(true);
          expectDirty([0, 15]);
        });
      }

      it('makes atomic accesses of every width, which mark also where a comparison fails', () => {
        for (const bits of [8, 16, 32] as const) {
          const addr = 5 * pageSize;
          const most = 2 ** bits - 1;
          ram.atomicStore(addr, bits, -1);
          expect(ram.atomicLoad(addr, bits)).to.equal(most);
          expectDirty([5]);
          expect(ram.readModifyWrite('add', addr, bits, 3)).to.equal(most);
          expect(ram.readModifyWrite('sub', addr, bits, 1)).to.equal(2);
          expect(ram.readModifyWrite('or', addr, bits, 6)).to.equal(1);
          expect(ram.readModifyWrite('and', addr, bits, 5)).to.equal(7);
          expect(ram.readModifyWrite('xor', addr, bits, 1)).to.equal(5);
          expect(ram.readModifyWrite('exchange', addr, bits, 9)).to.equal(4);
          expectDirty([5]);
          expect(ram.compareExchange(addr, bits, 9, 10)).to.equal(9);
          expectDirty([5]);
          expect(ram.compareExchange(addr, bits, 9, 11)).to.equal(10);
          expect(ram.atomicLoad(addr, bits)).to.equal(10);
          expectDirty([5]);
          ram.atomicStore(addr, bits, 0);
          if (bits > 8) {
            expectDirty([5]);
            expectThrow(() => ram.readModifyWrite('add', addr + 1, bits, 1), RangeError, `multiple of ${bits / 8}`);
            expectThrow(() => ram.atomicLoad(addr + 1, bits), RangeError, 'multiple');
            expectDirty([]);
          } else expectDirty([5]);
        }
        const addr = 6 * pageSize;
        ram.atomicStore64(addr, -1n);
        expect(ram.readModifyWrite64('add', addr, 5n)).to.equal(2n ** 64n - 1n);
        expect(ram.compareExchange64(addr, 4n, 7n)).to.equal(4n);
        expectDirty([6]);
        expect(ram.compareExchange64(addr, 4n, 8n)).to.equal(7n);
        expectDirty([6]);
        expect(ram.atomicLoad64(addr)).to.equal(7n);
        expectThrow(() => ram.readModifyWrite64('add', addr + 4, 1n), RangeError, 'multiple of 8');
        expectThrow(() => ram.readModifyWrite('nand' as never, addr, 8, 1), RangeError, 'nand');
        expectThrow(() => ram.readModifyWrite('add', addr, 64 as never, 1), RangeError, '8, 16 or 32');
        expectThrow(() => ram.readModifyWrite('add', addr, 8, 1n as never), TypeError, 'operand');
        expectDirty([]);
      });

      it('refuses what is of another type, and ranges that are none, and changes nothing', () => {
        const refusals: [call: () => unknown, message: string][] = [
          ...WIDTHS.map(([name, , value]): [() => void, string] => [
            () => store(name, 0, (typeof value === 'bigint' ? 1 : 1n) as never),
            `${name}: value`,
          ]),
          [() => ram.readModifyWrite64('add', 0, 1 as never), 'readModifyWrite64: operand'],
          [() => ram.compareExchange(0, 8, '1' as never, 1), 'compareExchange: expected'],
          [() => ram.compareExchange(0, 8, 1, 1n as never), 'compareExchange: value'],
          [() => ram.compareExchange64(0, 1n, 1 as never), 'compareExchange64: value'],
          [() => ram.atomicStore(0, 8, '1' as never), 'atomicStore: value'],
          [() => ram.atomicStore64(0, 1 as never), 'atomicStore64: value'],
          [() => ram.atomicLoad(0, '8' as never), 'atomicLoad: bits'],
          [() => ram.atomicLoad('9' as never, 16), 'atomicLoad: address'],
          [() => ram.fill('1' as never, 0, 1), 'fill: value'],
          [() => ram.set([1] as never, 0), 'set: source'],
        ];
        for (const [call, message] of refusals) expectThrow(call, TypeError, message);
        expectThrow(() => ram.set(new Uint8Array(0), -1), RangeError, 'set: address');
        expectThrow(() => ram.fill(1, 8, Number.MAX_SAFE_INTEGER), RangeError, 'fill: length');
        const [first, end] = [15 * pageSize, 16 * pageSize + 1].map(showAddress);
        expectThrow(() => ram.fill(1, 15 * pageSize, pageSize + 1), RangeError, `fill: bytes ${first} to ${end}`);
        expect(bytes.every((byte) => byte === 0)).to.equal(true);
        expectDirty([]);
      });

      it('fills, copies and sets ranges, which mark the pages that they change', () => {
        ram.fill(7, pageSize - 1, pageSize + 2);
        expectDirty([0, 1, 2]);
        expect([...bytes.subarray(0, 3 * pageSize)].filter((byte) => byte === 7)).to.have.length(pageSize + 2);
        ram.set(Uint8Array.of(1, 2, 3), 4 * pageSize - 1);
        expectDirty([3, 4]);
        expect([...bytes.subarray(4 * pageSize - 1, 4 * pageSize + 2)]).to.deep.equal([1, 2, 3]);
        ram.copyWithin(4 * pageSize, 4 * pageSize - 1, 3); // the ranges overlap
        expectDirty([4]);
        expect([...bytes.subarray(4 * pageSize, 4 * pageSize + 3)]).to.deep.equal([1, 2, 3]);
        for (const empty of [
          () => ram.fill(1, 0, 0),
          () => ram.set(new Uint8Array(0), 0),
          () => ram.copyWithin(0, 8, 0),
        ]) {
          empty();
        }
        expectThrow(() => ram.fill(1, 15 * pageSize, pageSize + 1), RangeError, 'fill');
        expectThrow(() => ram.set(new Uint8Array(2), 16 * pageSize - 1), RangeError, 'set');
        expectThrow(() => ram.copyWithin(0, 16 * pageSize, 1), RangeError, 'copyWithin');
        expectThrow(() => ram.copyWithin(16 * pageSize, 0, 1), RangeError, 'copyWithin');
        expectDirty([]);
      });

      it('tells of whole pages that turned dirty for CODE, neighbours as one, after the store', () => {
        const seen: number[] = [];
        ram = new GuestRam(vcpu, buffer, {
          onCode: (start, length) => {
            onCode(start, length);
            seen.push(bytes[start] as number);
          },
        });
        ram.store8(2 * pageSize, 9);
        ram.store8(2 * pageSize, 8);
        expect(code).to.deep.equal([[2 * pageSize, pageSize]]);
        expect(seen).to.deep.equal([9]);
        ram.store16(6 * pageSize - 1, 0x102);
        ram.fill(5, pageSize, 3 * pageSize); // the page in the middle is dirty already
        expect(code.slice(1)).to.deep.equal([
          [5 * pageSize, 2 * pageSize],
          [pageSize, pageSize],
          [3 * pageSize, pageSize],
        ]);
        vcpu.quiescent();
        ram.atomicStore(2 * pageSize, 8, 1);
        expect(code).to.have.length(4);
        memory.whileStopped.harvest(VGA).set.dispose();
        ram.atomicStore(2 * pageSize, 8, 1);
        expect(code, 'the page turned dirty for another client').to.have.length(4);
        const atomics: (() => void)[] = [
          () => ram.atomicStore(8 * pageSize, 8, 1),
          () => ram.atomicStore64(9 * pageSize, 1n),
          () => ram.readModifyWrite('or', 10 * pageSize, 16, 1),
          () => ram.readModifyWrite64('or', 11 * pageSize, 1n),
          () => ram.compareExchange(12 * pageSize, 32, 5, 1),
          () => ram.compareExchange64(13 * pageSize, 5n, 1n),
        ];
        for (const [i, store] of atomics.entries()) {
          store();
          expect(code.at(-1)).to.deep.equal([(8 + i) * pageSize, pageSize]);
        }
      });
    });
  }

  describe('and intervals', () => {
    beforeEach(() => open(PAGE));

    it('marks a page that it has not marked for as many intervals as there are generations, or never', () => {
      for (let i = 0; i < 600; i++) {
        const page = i % 255 < 15 ? i % 255 : 15;
        ram.store32(page * PAGE, i);
        expectDirty([page]);
      }
    });

    it('clears what it remembers once in as many intervals as there are generations', () => {
      const { forget } = MarkedWindows.prototype;
      let cleared = 0;
      MarkedWindows.prototype.forget = function () {
        cleared++;
        forget.call(this);
      };
      try {
        for (let i = 0; i < 4 * 255; i++) {
          ram.store32(0, i);
          expectDirty([0]);
        }
      } finally {
        MarkedWindows.prototype.forget = forget;
      }
      expect(cleared).to.be.within(4, 4 * CLIENTS.length);
    });

    it('refuses to store where the buffer is detached, also a range', () => {
      if (shared) return;
      structuredClone(buffer, { transfer: [buffer as ArrayBuffer] });
      expectThrow(() => ram.store32(0, 1), TypeError, 'store32: the buffer of the guest');
      expectThrow(() => ram.fill(1, 0, 2 * PAGE), TypeError, 'fill: the buffer of the guest');
      expectDirty([]);
    });

    /** How often `body` marks, and how often it looks for the window of an address, which fast paths do not. */
    const workOf = (body: () => void): { marks: number; searches: number } => {
      const { mark } = vcpu;
      const { find } = MarkedWindows.prototype;
      const work = { marks: 0, searches: 0 };
      vcpu.mark = (addr) => {
        work.marks++;
        return mark.call(vcpu, addr);
      };
      MarkedWindows.prototype.find = function (...of) {
        work.searches++;
        return find.apply(this, of);
      };
      try {
        body();
      } finally {
        vcpu.mark = mark;
        MarkedWindows.prototype.find = find;
      }
      return work;
    };

    it('marks once in an interval, and then accesses the block at 0 by its fast paths', () => {
      const big = new Uint8Array(2 * 2 ** 24);
      const engine = smallEngine({ maxRamBytes: 2 ** 26, debug: false });
      engine.ram.plug({ id: 'big', size: big.length });
      vcpu.detach();
      vcpu = attachVcpu(engine.handle);
      const far = big.length - 2 * PAGE;
      const fast = new GuestRam(vcpu, big);
      const accesses = (at: number): void => {
        for (const [name, width, value, loads] of WIDTHS) {
          for (const addr of [at, at + width, at + 7 * width]) {
            (fast[name] as (addr: number, value: number | bigint) => void).call(fast, addr, value);
            for (const [how, expected] of Object.entries(loads)) {
              const loaded = (fast[how as keyof GuestRam] as (addr: number) => unknown).call(fast, addr);
              expect(loaded, how).to.equal(expected);
            }
          }
        }
      };
      for (let i = 0; i < 3; i++) {
        for (const at of [0, 3 * PAGE, far]) {
          expect(workOf(() => fast.store8(at, 0)).marks).to.equal(1);
          expect(workOf(() => accesses(at))).to.deep.equal({ marks: 0, searches: 0 });
        }
        engine.whileStopped.harvest(MIGRATION).set.dispose(); // ends the interval
      }
      fast.unmap(0, big.length);
      fast.map(0, big);
      fast.store32(0, 1);
      expect(workOf(() => accesses(0))).to.deep.equal({ marks: 0, searches: 0 });
      vcpu.detach();
      return engine.close();
    });

    it('keeps its marks of other windows when one is unmapped', () => {
      const next = memory.ram.plug({ id: 'next', size: 2 * PAGE, offset: 16 * PAGE });
      const behind = memory.ram.plug({ id: 'behind', size: 2 * PAGE, offset: 18 * PAGE });
      const far = memory.ram.plug({ id: 'far', size: 2 * PAGE, offset: 40 * PAGE });
      for (const { offset, size } of [next, behind, far]) ram.map(offset, new Uint8Array(size));
      const stores = (): void => {
        for (const { offset } of [low, behind, far]) ram.store32(offset, 1);
      };
      expect(workOf(stores).marks).to.equal(3);
      ram.unmap(next.offset, next.size);
      expect(workOf(stores).marks).to.equal(0);
    });

    it('finds each block after an access to another one, which may be larger than what lies before it', () => {
      const large = memory.ram.plug({ id: 'large', size: 40 * PAGE, offset: 16 * PAGE });
      ram.map(large.offset, new Uint8Array(large.size).fill(2));
      bytes.fill(1);
      for (let i = 0; i < 3; i++) {
        expect([large.offset, 0, large.offset + large.size - 1, PAGE].map((at) => ram.atomicLoad(at, 8))).to.deep.equal(
          [2, 1, 2, 1],
        );
      }
    });

    it('forgets its marks when the interval ends within a helper that ignores what quiescent returns', async () => {
      const helper = (): void => void vcpu.quiescent();
      for (let i = 0; i < 300; i++) {
        ram.store32(0, i);
        const cookie = memory.rcu.startPoll();
        helper();
        expect(memory.rcu.poll(cookie)).to.equal(true);
        ram.store32(0, i);
        expectDirty([0]);
      }
    });

    it('forgets its marks when the owner reports for its own thread', async () => {
      ram.store32(0, 1);
      (await memory.harvest(MIGRATION)).set.dispose();
      ram.store32(0, 2);
      expect(memory.isDirty(0, 1, MIGRATION)).to.equal(true);
    });

    it('refuses stores while the reader is offline or detached, and loads go on', async () => {
      ram.store32(0, 1);
      vcpu.goOffline();
      expectThrow(() => ram.store32(0, 2), TypeError, 'offline');
      expectThrow(() => ram.fill(0, 0, 8), TypeError, 'offline');
      expectThrow(() => ram.readModifyWrite('add', 0, 32, 1), TypeError, 'offline');
      expect(ram.loadU32(0)).to.equal(1);
      vcpu.goOnline();
      collected();
      ram.store32(0, 3);
      expectDirty([0]);
      vcpu.detach();
      expectThrow(() => ram.store32(0, 4), TypeError, 'detached');
      expect(ram.loadU32(0)).to.equal(3);
    });

    it('refuses stores until an asynchronous offline comes back, and marks anew then', async () => {
      ram.store32(0, 1);
      const back = vcpu.offline(async () => {
        await memory.rcu.synchronize();
        expectThrow(() => ram.store32(0, 2), TypeError, 'offline');
      });
      await back;
      collected();
      ram.store32(0, 3);
      expectDirty([0]);
    });

    it('is told of an interval before the listeners of onInterval, which may store', async () => {
      const early = attachVcpu(memory.handle);
      early.onInterval(() => late.store32(0, 2)); // added before the GuestRam
      const late = new GuestRam(early, buffer);
      late.store32(0, 1);
      (await memory.harvest(MIGRATION)).set.dispose();
      expect(bytes[0]).to.equal(2);
      expect(memory.isDirty(0, 1, MIGRATION)).to.equal(true);
      early.detach();
    });

    it('made while the reader is offline stores from the next interval on', () => {
      vcpu.goOffline();
      const made = new GuestRam(vcpu, buffer);
      expectThrow(() => made.store32(0, 1), TypeError, 'offline');
      vcpu.goOnline();
      made.store32(0, 1);
      expectDirty([0]);
    });

    it('tells of CODE also where an error follows, since nobody else is told', async () => {
      const other = memory.ram.plug({ id: 'other', size: PAGE, offset: 16 * PAGE });
      ram.map(other.offset, new Uint8Array(PAGE));
      await memory.ram.unplug(other);
      collected();
      code = [];
      expectThrow(() => ram.fill(1, 15 * PAGE, 2 * PAGE), RangeError, 'mark');
      expect(code).to.deep.equal([[15 * PAGE, PAGE]]);
      expect(bytes[15 * PAGE]).to.equal(0);
    });
  });

  describe('and RAM that comes and goes', () => {
    beforeEach(() => open(PAGE));

    const plug = (offset: number, pages: number): Uint8Array => {
      memory.ram.plug({ id: `at ${offset}`, size: pages * PAGE, offset });
      const contents = new Uint8Array(shared ? new SharedArrayBuffer(pages * PAGE) : new ArrayBuffer(pages * PAGE));
      ram.map(offset, contents);
      return contents;
    };

    it('accesses several blocks, and goes from one into the next', () => {
      const next = plug(16 * PAGE, 2);
      const far = plug(100 * PAGE, 1);
      collected();
      const across = 16 * PAGE - 3;
      ram.store64(across, 0x1122334455667788n);
      expectDirty([15, 16]);
      expect([...bytes.subarray(across)]).to.deep.equal([0x88, 0x77, 0x66]);
      expect([...next.subarray(0, 5)]).to.deep.equal([0x55, 0x44, 0x33, 0x22, 0x11]);
      expect(ram.loadU64(across)).to.equal(0x1122334455667788n);
      expect(ram.loadU16(16 * PAGE - 1)).to.equal(0x5566);
      ram.store32(100 * PAGE + 4, 77);
      ram.store32(4, 78);
      expectDirty([0, 100]);
      expect(far[4]).to.equal(77);
      expect([ram.loadU32(100 * PAGE + 4), ram.loadU32(4)]).to.deep.equal([77, 78]);
      ram.fill(3, 15 * PAGE, 3 * PAGE);
      expectDirty([15, 16, 17]);
      ram.copyWithin(16 * PAGE - 8, 100 * PAGE, 16);
      expectDirty([15, 16]);
      expect(ram.loadU32(16 * PAGE - 4)).to.equal(77);
      ram.store64(across, 0x1122334455667788n);
      ram.copyWithin(8, across, 8); // from two blocks into the first
      expect(ram.loadU64(8)).to.equal(0x1122334455667788n);
      ram.copyWithin(16 * PAGE - 4, 8, 8); // from one block into two
      expect(ram.loadU64(16 * PAGE - 4)).to.equal(0x1122334455667788n);
      ram.copyWithin(17 * PAGE, 8, 8); // into another
      expect(ram.loadU64(17 * PAGE)).to.equal(0x1122334455667788n);
      expectDirty([0, 15, 16, 17]);
      for (const addr of [17 * PAGE + 8, 100 * PAGE + 8]) {
        ram.atomicStore64(addr, 5n);
        ram.atomicStore(addr + 8, 16, 6);
        expectDirty([Math.floor(addr / PAGE)]);
        expect([ram.readModifyWrite64('add', addr, 1n), ram.compareExchange64(addr, 6n, 7n)]).to.deep.equal([5n, 6n]);
        expect([ram.readModifyWrite('add', addr + 8, 16, 1), ram.compareExchange(addr + 8, 16, 7, 8)]).to.deep.equal([
          6, 7,
        ]);
        expectDirty([Math.floor(addr / PAGE)]);
        expect([ram.atomicLoad64(addr), ram.loadU64(addr), ram.atomicLoad(addr + 8, 16)]).to.deep.equal([7n, 7n, 8]);
        expectDirty([]); // a load marks nothing
      }
      expectThrow(() => ram.store32(18 * PAGE - 2, 1), RangeError, '73728');
      expectDirty([]);
    });

    it('refuses RAM that was unmapped, and marks it anew when it is mapped again in the same interval', async () => {
      plug(16 * PAGE, 4);
      collected();
      ram.store32(0, 1);
      ram.store32(17 * PAGE, 1);
      ram.unmap(17 * PAGE, PAGE);
      expectThrow(() => ram.store32(17 * PAGE, 1), RangeError, 'not all mapped');
      expectThrow(() => ram.loadU8(17 * PAGE), RangeError, 'not all mapped');
      ram.store32(16 * PAGE, 1);
      ram.store32(18 * PAGE, 1);
      ram.unmap(0, 16 * PAGE); // what the fast paths serve
      expectThrow(() => ram.store32(0, 1), RangeError, 'not all mapped');
      expectThrow(() => ram.loadU32(0), RangeError, 'not all mapped');
      expectDirty([0, 16, 17, 18]);
      ram.map(0, buffer);
      ram.store32(0, 5);
      expect(ram.loadU32(0)).to.equal(5);
      expectDirty([0]);
    });

    it('stores to what was unplugged and plugged again, at once', async () => {
      ram.store32(0, 1);
      await memory.ram.unplug(low);
      expectThrow(() => ram.store32(0, 2), RangeError, 'mark');
      ram.unmap(0, 16 * PAGE);
      memory.ram.plug({ id: 'again', size: 8 * PAGE, offset: 0 });
      const contents = new Uint8Array(8 * PAGE);
      ram.map(0, contents);
      ram.store32(0, 3);
      expect(contents[0]).to.equal(3);
      expect(bytes[0]).to.equal(1);
      collected();
      ram.store32(0, 4);
      expectDirty([0]);
    });

    it('follows a block that shrinks and grows', async () => {
      ram.unmap(8 * PAGE, 8 * PAGE);
      await memory.ram.resize(low, 8 * PAGE);
      expectThrow(() => ram.store8(8 * PAGE, 1), RangeError, 'not all mapped');
      ram.store8(8 * PAGE - 1, 1);
      await memory.ram.resize(low, 10 * PAGE);
      ram.map(8 * PAGE, bytes.subarray(8 * PAGE, 10 * PAGE));
      collected();
      ram.store16(8 * PAGE - 1, 0x201);
      expect([...bytes.subarray(8 * PAGE - 1, 8 * PAGE + 1)]).to.deep.equal([1, 2]);
      expectDirty([7, 8]);
    });

    it('refuses what it cannot map, and changes nothing', () => {
      expectThrow(() => ram.map(0, new Uint8Array(PAGE)), RangeError, 'overlap');
      expectThrow(() => ram.map(15 * PAGE, new Uint8Array(2 * PAGE)), RangeError, 'overlap');
      expectThrow(() => ram.map(PAGE / 2, new Uint8Array(PAGE)), RangeError, 'page size');
      expectThrow(() => ram.map(16 * PAGE, new Uint8Array(PAGE - 1)), RangeError, 'page size');
      expectThrow(() => ram.map(16 * PAGE, new Uint8Array(0)), TypeError, 'empty');
      expectThrow(
        () => ram.map(16 * PAGE, new Uint8Array(new ArrayBuffer(2 * PAGE), 4, PAGE)),
        RangeError,
        'map: the place of contents in their buffer must be a multiple of 8',
      );
      expectThrow(() => ram.map(16 * PAGE, [] as never), TypeError, 'a buffer');
      expectThrow(() => ram.unmap(1, PAGE), RangeError, 'page size');
      expectThrow(() => ram.unmap(0, 5), RangeError, 'page size');
      expectThrow(() => ram.unmap('0' as never, PAGE), TypeError, 'unmap: offset');
      expectThrow(() => ram.unmap(PAGE, 2 ** 53 - PAGE), RangeError, 'unmap: the end of the range');
      expectThrow(() => ram.map(2 ** 53 - PAGE, new Uint8Array(PAGE)), RangeError, 'map: the end of contents');
      expectThrow(() => ram.readModifyWrite(5 as never, 0, 32, 1), TypeError, 'readModifyWrite: operation');
      expectThrow(() => ram.readModifyWrite('ad' as never, 0, 32, 1), RangeError, 'readModifyWrite: operation');
      expectThrow(() => ram.readModifyWrite64('ad' as never, 0, 1n), RangeError, 'readModifyWrite64: operation');
      expectThrow(() => ram.copyWithin(0, Number.NaN, 0), RangeError, 'copyWithin: address');
      expectThrow(() => ram.copyWithin(Number.NaN, 0, 0), RangeError, 'copyWithin: address');
      expectThrow(() => ram.compareExchange64(0, 1 as never, 1n), TypeError, 'compareExchange64: expected');
      expectThrow(() => ram.fill(1, 0, -1), RangeError, 'fill: length');
      expectThrow(() => ram.fill(1, 0, 2 ** 53 - 1 + 1), RangeError, 'fill: length');
      expectThrow(() => ram.fill(1, 0, 0.5), RangeError, 'fill: length');
      expectDirty([]);
      ram.store8(15 * PAGE, 1);
      expectThrow(() => ram.store8(16 * PAGE, 1), RangeError, 'not all mapped');
      expectDirty([15]);
    });

    it('maps a view that begins within its buffer', () => {
      const whole = new Uint8Array(3 * PAGE);
      memory.ram.plug({ id: 'view', size: PAGE, offset: 16 * PAGE });
      ram.map(16 * PAGE, whole.subarray(PAGE, 2 * PAGE));
      ram.store64(16 * PAGE, 1n);
      ram.store16(17 * PAGE - 2, 0x303);
      expect([whole[PAGE], whole[2 * PAGE - 1], whole[0], whole[2 * PAGE]]).to.deep.equal([1, 3, 0, 0]);
    });
  });

  it('refuses readers that are none, and pages of less than 8 bytes', async () => {
    open(4096);
    for (const wrong of [undefined, {}, Object.create(Object.getPrototypeOf(vcpu)), memory]) {
      expectThrow(() => new GuestRam(wrong as never, buffer), TypeError, 'vcpu');
    }
    for (const wrong of [undefined, {}, 5, [5], [{ offset: 0 }], [{ offset: 0, contents: buffer, size: 5 }]]) {
      expectThrow(() => new GuestRam(vcpu, wrong as never), TypeError, 'new GuestRam');
    }
    expectThrow(() => new GuestRam(vcpu, buffer, { onCode: 5 as never }), TypeError, 'onCode');
    const tiny = smallEngine({ pageSize: 4, maxRamBytes: 2 ** 12 });
    const reader = attachVcpu(tiny.handle);
    expectThrow(() => new GuestRam(reader, new ArrayBuffer(8)), RangeError, 'page size');
    reader.detach();
    await tiny.close();
  });

  it('marks the right page far into a block with large pages', () => {
    const size = 2 ** 26;
    memory = smallEngine({ pageSize: 2 ** 14, maxRamBytes: size, debug: false });
    vcpu = attachVcpu(memory.handle);
    memory.ram.plug({ id: 'large', size });
    ram = new GuestRam(vcpu, new Uint8Array(size));
    for (const client of CLIENTS) memory.whileStopped.harvest(client).set.dispose();
    for (const addr of [size - 1, size / 2, size - 2 ** 14]) ram.store8(addr, 1);
    const { set } = memory.whileStopped.harvest(MIGRATION);
    expect(pagesOf(set, 2 ** 14)).to.deep.equal([2 ** 11, 2 ** 12 - 1]);
    set.dispose();
  });

  it('serves one buffer of more than 2 GiB', () => {
    const size = 2 ** 31 + 4 * PAGE;
    memory = smallEngine({ maxRamBytes: 2 ** 32, pagesPerBlock: 2 ** 16, arenaBytes: 2 ** 23, debug: false });
    vcpu = attachVcpu(memory.handle);
    memory.ram.plug({ id: 'huge', size });
    ram = new GuestRam(vcpu, shared ? new SharedArrayBuffer(size) : new ArrayBuffer(size));
    for (const client of CLIENTS) memory.whileStopped.harvest(client).set.dispose();
    // The views of one window end a page before 2 GiB.
    const addresses = [0, 2 ** 31 - PAGE - 4, 2 ** 31 - PAGE + 8, 2 ** 31, size - 8];
    for (const [i, addr] of addresses.entries()) ram.store64(addr, BigInt(i + 1) * 0x1_0000_0001n);
    const { set } = memory.whileStopped.harvest(MIGRATION);
    expect(pagesOf(set)).to.deep.equal([0, 2 ** 19 - 2, 2 ** 19 - 1, 2 ** 19, 2 ** 19 + 3]);
    set.dispose();
    for (const [i, addr] of addresses.entries()) {
      expect(ram.loadU64(addr)).to.equal(BigInt(i + 1) * 0x1_0000_0001n);
      expect([ram.loadU32(addr), ram.loadU32(addr + 4)]).to.deep.equal([i + 1, i + 1]);
    }
  });

  it('serves RAM past 2 GiB, where addresses are no integers of 32 bits any more', async () => {
    memory = smallEngine({ maxRamBytes: 2 ** 36, pagesPerBlock: 2 ** 16, arenaBytes: 2 ** 22, debug: false });
    vcpu = attachVcpu(memory.handle);
    const start = 2 ** 35;
    memory.ram.plug({ id: 'high', size: 4 * PAGE, offset: start });
    memory.ram.plug({ id: 'low', size: 4 * PAGE, offset: 0 });
    const [high, near] = [new Uint8Array(4 * PAGE), new Uint8Array(4 * PAGE)];
    ram = new GuestRam(vcpu, [
      { offset: start, contents: high },
      { offset: 0, contents: near },
    ]);
    collected();
    for (const addr of [start, start + 8, start + PAGE]) ram.store32(addr, 7);
    expectDirty([start / PAGE, start / PAGE + 1]);
    expect([high[0], high[8], high[PAGE], near[0]]).to.deep.equal([7, 7, 7, 0]);
    expect(ram.loadU32(start + 8)).to.equal(7);
  });
});

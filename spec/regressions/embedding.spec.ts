import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect } from 'chai';
import fc from 'fast-check';
import { Words } from '../../lib/arena/words.js';
import type { DirtyMemory } from '../../lib/index.js';
import { attachVcpu } from '../../lib/vcpu.js';
import { CLIENTS, cleanAll, dirtyPages, PAGE, smallEngine, turn } from '../support/engines.js';
import { GuestRam, type GuestRamClass, type GuestValue, type Operation, type Width } from './guest-ram.js';
import type { StoringVcpu } from './storing-worker.js';

const PAGES = 4;
const WIDTHS: readonly Width[] = [1, 2, 4, 8];
const OPERATIONS: readonly Operation[] = ['add', 'sub', 'and', 'or', 'xor', 'exchange'];

interface Access {
  readonly kind: 'store' | 'readModifyWrite' | 'compareExchange';
  readonly addr: number;
  readonly width: Width;
  readonly value: bigint;
  readonly operation: Operation;
  /** Of a compare-and-swap. */
  readonly succeeds: boolean;
}

type Step = Access | { readonly kind: 'clean'; readonly page: number };

const addresses = fc.oneof(
  fc.nat(PAGES * PAGE - 8),
  fc
    .tuple(fc.integer({ min: 1, max: PAGES - 1 }), fc.integer({ min: -8, max: 8 }))
    .map(([page, at]) => page * PAGE + at),
);
const accesses: fc.Arbitrary<Access> = fc
  .record({
    kind: fc.constantFrom('store', 'readModifyWrite', 'compareExchange'),
    addr: addresses,
    width: fc.constantFrom(...WIDTHS),
    value: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    operation: fc.constantFrom(...OPERATIONS),
    succeeds: fc.boolean(),
  })
  .map((access) => ({
    ...access,
    addr: access.kind === 'store' ? access.addr : access.addr - (access.addr % access.width),
    value: BigInt.asUintN(8 * access.width, access.value),
  }));
const sequences = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: accesses },
    fc.record({ kind: fc.constant('clean' as const), page: fc.nat(PAGES - 1) }),
  ),
  { maxLength: 40 },
);

/** The guest's RAM, a byte at a time, and its dirty pages. */
class Model {
  readonly bytes = new Uint8Array(PAGES * PAGE);
  readonly dirty = new Set<number>();

  read(addr: number, width: Width): bigint {
    let value = 0n;
    for (let i = width - 1; i >= 0; i--) value = 256n * value + BigInt(this.bytes[addr + i] as number);
    return value;
  }

  write(addr: number, width: Width, value: bigint): void {
    for (let i = 0; i < width; i++) this.bytes[addr + i] = Number((value >> BigInt(8 * i)) & 255n);
  }

  /** @returns whether a page turned dirty */
  mark(addr: number, width: Width): boolean {
    const before = this.dirty.size;
    for (let i = 0; i < width; i++) this.dirty.add(Math.floor((addr + i) / PAGE));
    return this.dirty.size > before;
  }

  static result(operation: Operation, old: bigint, operand: bigint, width: Width): bigint {
    const results = {
      add: old + operand,
      sub: old - operand,
      and: old & operand,
      or: old | operand,
      xor: old ^ operand,
      exchange: operand,
    };
    return BigInt.asUintN(8 * width, results[operation]);
  }
}

const ofWidth = (width: Width, value: bigint): GuestValue => (width === 8 ? value : Number(value));

/** Each access does what the model does, and so do its marks. */
function compareWithModel(Ram: GuestRamClass, memory: DirtyMemory, steps: readonly Step[]): void {
  const vcpu = attachVcpu(memory.handle);
  const model = new Model();
  const buffer = new SharedArrayBuffer(PAGES * PAGE);
  let turned: [number, Width] | undefined;
  const ram = new Ram(vcpu, buffer, (addr, width) => {
    turned = [addr, width];
  });
  cleanAll(memory);
  try {
    for (const step of steps) {
      if (step.kind === 'clean') {
        for (const client of CLIENTS) memory.whileStopped.testAndClear(step.page * PAGE, PAGE, client);
        model.dirty.delete(step.page);
        continue;
      }
      const { kind, addr, width, operation } = step;
      const old = model.read(addr, width);
      const value = ofWidth(width, step.value);
      turned = undefined;
      if (kind === 'store') {
        ram.store(addr, width, value);
        model.write(addr, width, step.value);
      } else if (kind === 'readModifyWrite') {
        expect(ram.readModifyWrite(operation, addr, width, value)).to.equal(ofWidth(width, old));
        model.write(addr, width, Model.result(operation, old, step.value, width));
      } else {
        const expected = step.succeeds ? old : old ^ 1n;
        expect(ram.compareExchange(addr, width, ofWidth(width, expected), value)).to.equal(ofWidth(width, old));
        if (step.succeeds) model.write(addr, width, step.value);
      }
      expect(turned).to.deep.equal(model.mark(addr, width) ? [addr, width] : undefined);
      const pages = [...model.dirty].sort();
      for (const client of CLIENTS) expect(dirtyPages(memory, client)).to.deep.equal(pages);
    }
    expect(Buffer.from(new Uint8Array(buffer)).equals(Buffer.from(model.bytes))).to.equal(true);
  } finally {
    vcpu.detach();
  }
}

describe('regressions: embedding', () => {
  let memory: DirtyMemory;

  beforeEach(() => {
    memory = smallEngine();
    memory.ram.plug({ id: 'ram', size: PAGES * PAGE });
  });

  afterEach(() => memory.close());

  describe('7f9af1ab, 34d49937, ad52878f: the first atomic store to a page was not marked; 8 bytes were torn', () => {
    const check = (Ram: GuestRamClass): void =>
      fc.assert(
        fc.property(sequences, (steps) => compareWithModel(Ram, memory, steps)),
        { numRuns: 200, ...(Ram === GuestRam ? {} : { endOnFailure: true }) },
      );

    it('every width, read-modify-write and compare-and-swap marks, wherever it lies and whatever was dirty', () => {
      check(GuestRam);
    });

    const broken: Record<string, GuestRamClass> = {
      'a read-modify-write that does not mark': class extends GuestRam {
        override readModifyWrite(...[operation, addr, width, operand]: Parameters<GuestRam['readModifyWrite']>) {
          return withoutMarks(this, () => super.readModifyWrite(operation, addr, width, operand));
        }
      },
      'a compare-and-swap that marks only what it changed': class extends GuestRam {
        override compareExchange(...[addr, width, expected, value]: Parameters<GuestRam['compareExchange']>) {
          const old = withoutMarks(this, () => super.compareExchange(addr, width, expected, value));
          if (old === expected) super.compareExchange(addr, width, value, value);
          return old;
        }
      },
      'a store that marks the page it begins in': class extends GuestRam {
        override store(addr: number, width: Width, value: GuestValue): void {
          const { vcpu } = this;
          const mark = vcpu.mark.bind(vcpu);
          vcpu.mark = (at) => (at > addr ? 0 : mark(at));
          try {
            super.store(addr, width, value);
          } finally {
            Reflect.deleteProperty(vcpu, 'mark');
          }
        }
      },
    };
    for (const [title, Ram] of Object.entries(broken)) {
      it(`${title} is found`, () => {
        expect(() => check(Ram)).to.throw(/Property failed/);
      });
    }

    let worker: Worker | undefined;
    let stop: SharedArrayBuffer;

    beforeEach(() => {
      stop = new SharedArrayBuffer(4);
    });
    afterEach(async () => {
      if (worker === undefined) return;
      const exited = once(worker, 'exit');
      new Words(stop, 0, 1).store(0, 1);
      await exited;
      worker = undefined;
    });

    /** What another thread reads of the 8 bytes until `enough`. */
    async function readWhileStored(
      inHalves: boolean,
      enough: (seen: Map<bigint, number>) => boolean,
    ): Promise<bigint[]> {
      const buffer = new SharedArrayBuffer(PAGES * PAGE);
      const workerData: StoringVcpu = { handle: memory.handle, buffer, inHalves, stop };
      worker = new Worker(new URL('./storing-worker.js', import.meta.url), { workerData });
      memory.supervise(worker);
      const words = new BigUint64Array(buffer);
      const seen = new Map<bigint, number>();
      while (!enough(seen) && worker !== undefined) {
        for (let i = 0; i < 10_000; i++) {
          const value = Atomics.load(words, 0);
          seen.set(value, (seen.get(value) ?? 0) + 1);
        }
        await turn();
      }
      return [...seen.keys()].sort();
    }

    const ONES = 2n ** 64n - 1n;
    const often = (seen: Map<bigint, number>): boolean => [0n, ONES].every((value) => (seen.get(value) ?? 0) > 100_000);

    it('an aligned store of 8 bytes is one access', async () => {
      expect(await readWhileStored(false, often)).to.deep.equal([0n, ONES]);
    });

    it('two of 4 bytes are not, and are seen to be two', async () => {
      const values = await readWhileStored(true, (seen) => seen.size > 2);
      expect(values.some((value) => value !== 0n && value !== ONES)).to.equal(true);
    });
  });
});

/** The accesses of the body mark nothing. */
function withoutMarks<T>({ vcpu }: GuestRam, body: () => T): T {
  vcpu.mark = () => 0;
  try {
    return body();
  } finally {
    Reflect.deleteProperty(vcpu, 'mark');
  }
}

/** What generated code counts, and when it calls JavaScript: by the listing of docs/abi.md. */
import { expect } from 'chai';
import { Header, Meter } from '../../lib/arena/layout.js';
import { engineOf } from '../../lib/dirty-memory.js';
import { type DirtyMemory, MIGRATION } from '../../lib/index.js';
import type { Vcpu } from '../../lib/vcpu.js';
import { generateCode } from '../../scripts/abi-listings.js';
import { cleanAll, collectAtOnce, foreignVcpu, PAGE } from '../support/engines.js';
import { brokenListing } from './broken-listing.js';
import { DRIVER, engineBesideGuest } from './generated-session.js';
import { GeneratedVcpu } from './generated-vcpu.js';

describe('Generated code that marks by the listing of docs/abi.md', () => {
  let memory: DirtyMemory;
  const readers: Vcpu[] = [];

  beforeEach(() => {
    memory = engineBesideGuest();
    memory.ram.plug({ id: 'dimm0', size: 100 * PAGE });
    cleanAll(memory);
  });

  afterEach(async () => {
    for (const reader of readers.splice(0)) reader.detach();
    await memory.close();
  });

  /** Code of the only reader, for which the owner has to wait. */
  const generated = async (changed = {}): Promise<GeneratedVcpu> => {
    const module = await generateCode(memory.handle, DRIVER, changed);
    for (const reader of readers.splice(0)) reader.detach();
    await memory.rcu.synchronize(); // else the next period begins when somebody has looked whether the last has ended
    const reader = foreignVcpu(memory);
    readers.push(reader);
    const one = new GeneratedVcpu(memory.handle, module, reader);
    one.code.quiescent();
    return one;
  };

  const word = (index: number, value: number): void => engineOf(memory).arena.words.store(index, value);

  describe('fits an engine', () => {
    const header = [Header.Magic, Header.Version, Header.PageShift, Header.BlockShift, Header.MaxReaders];

    /** @returns by word, whether the code fits when the word is one more than it is */
    const fitsWithAnother = async (changed = {}): Promise<number[]> => {
      const { code } = await generated(changed);
      const { words } = engineOf(memory).arena;
      return header.map((index) => {
        const was = words.get(index);
        words.set(index, was + 1);
        const fits = code.fits();
        words.set(index, was);
        return fits;
      });
    };

    it('of its version and geometry, and no other', async () => {
      expect((await generated()).code.fits()).to.equal(1);
      expect(await fitsWithAnother()).to.deep.equal([0, 0, 0, 0, 0]);
    });

    it('is found not to look at the version', async () => {
      const blind = brokenListing('mark.ts', '    load<u32>(BASE, VERSION_AT) == VERSION &&\n', '');
      expect(await fitsWithAnother(blind)).to.deep.equal([0, 1, 0, 0, 0]);
    });
  });

  it('traps before it is attached, and stores nothing', async () => {
    const module = await generateCode(memory.handle, DRIVER);
    const imports = { env: { memory: memory.handle.memory }, dirtymem: { mark: () => 0, quiescent: () => 0 } };
    const code = new WebAssembly.Instance(module, imports).exports as unknown as GeneratedVcpu['code'];
    expect(() => code.markPage(1)).to.throw(WebAssembly.RuntimeError);
    expect(() => code.quiescent()).to.throw(WebAssembly.RuntimeError);
    expect((await generated()).code.fits()).to.equal(1);
  });

  describe('counts', () => {
    /** @returns what the meter has counted, of pages that turned for all clients, for some, or not at all */
    const counted = async (changed = {}): Promise<number> => {
      const { code, vcpu } = await generated(changed);
      cleanAll(memory);
      const { words } = engineOf(memory).arena;
      const before = words.get(vcpu.meter + Meter.Generated);
      for (const page of [1, 2, 2, 70]) code.markPage(page);
      collectAtOnce(memory, MIGRATION).dispose();
      for (const page of [1, 2, 2]) code.markPage(page);
      for (const client of [1, 2] as const) collectAtOnce(memory, client).dispose();
      for (const page of [1, 2, 70]) code.markPage(page);
      expect(() => code.markPage(4096), 'JavaScript refuses').to.throw(RangeError);
      vcpu.mark(3 * PAGE); // which JavaScript counts
      return words.get(vcpu.meter + Meter.Generated) - before;
    };

    it('each page that it turned dirty for MIGRATION, once, and nothing that JavaScript counts', async () => {
      expect(await counted()).to.equal(6);
    });

    it('would be found to count marks, or nothing', async () => {
      const turns = 'if (clients & 4 && setBit(block2 + word, flag)) {';
      const marks = brokenListing('mark.ts', turns, `setBit(block2 + word, flag);\n  if (clients & 4) {`);
      expect(await counted(marks)).to.be.above(6);
      const store = 'store<u32>(meter, load<u32>(meter, BASE + METER_GENERATED) + 1, BASE + METER_GENERATED);';
      expect(await counted(brokenListing('mark.ts', store, ''))).to.equal(0);
    });
  });

  /** @returns how many of ten quiescent states have called JavaScript */
  const calls = (one: GeneratedVcpu): number => {
    const before = one.reports;
    for (let i = 0; i < 10; i++) one.code.quiescent();
    return one.reports - before;
  };

  describe('is held by', () => {
    const limitOf = {
      'the limit of all readers': () => memory.limitDirtyRate(1000),
      'its own limit': ({ vcpu }: GeneratedVcpu) => memory.limitDirtyRate(1000, { identity: vcpu.identity }),
    };
    const lift = ({ vcpu }: GeneratedVcpu): void => {
      memory.limitDirtyRate(undefined, { identity: vcpu.identity });
      memory.limitDirtyRate(undefined);
    };
    /** @returns how many of ten quiescent states call while the limit is set, and after it is lifted */
    const heldBy = async (limit: (one: GeneratedVcpu) => unknown, changed = {}): Promise<number[]> => {
      const one = await generated(changed);
      limit(one);
      const held = calls(one);
      lift(one);
      one.code.quiescent();
      return [held, calls(one)];
    };

    for (const [name, limit] of Object.entries(limitOf)) {
      it(`${name}: it calls vcpu.quiescent each time, whether or not the number has changed`, async () => {
        expect(await heldBy(limit)).to.deep.equal([10, 0]);
      });
    }

    it('none when the limit of all readers is not for it', async () => {
      const one = await generated();
      memory.limitDirtyRate(1000);
      memory.limitDirtyRate(undefined, { identity: one.vcpu.identity });
      one.code.quiescent();
      expect(calls(one)).to.equal(0);
    });

    const OWN = '  const own = load<i32>(meter, BASE + METER_LIMIT);\n';

    it('one of the two alone where it looks at one alone, which is found', async () => {
      const header = brokenListing('mark.ts', OWN, '  const own = 0;\n');
      expect(await heldBy(limitOf['the limit of all readers'], header)).to.deep.equal([10, 0]);
      expect(await heldBy(limitOf['its own limit'], header)).to.deep.equal([1, 0]);
      const meter = brokenListing('mark.ts', 'own != 0 ? own : load<i32>(BASE, LIMIT)', 'own');
      expect(await heldBy(limitOf['the limit of all readers'], meter)).to.deep.equal([1, 0]);
      expect(await heldBy(limitOf['its own limit'], meter)).to.deep.equal([10, 0]);
    });
  });

  describe('gives way', () => {
    /** @returns how many of ten quiescent states call while the owner asks, while it does not, and when it sleeps no more */
    const givesWay = async (changed = {}): Promise<number[]> => {
      const one = await generated(changed);
      return [4711, -4711, 0].map((waiting) => {
        word(Header.Waiting, waiting);
        memory.rcu.startPoll();
        one.code.quiescent();
        return calls(one);
      });
    };

    it('while the owner asks for it: it calls vcpu.quiescent each time', async () => {
      expect(await givesWay()).to.deep.equal([10, 0, 0]);
    });

    it('is found not to look', async () => {
      const blind = brokenListing('mark.ts', ' || atomic.load<i32>(BASE, WAITING) > 0', '');
      expect(await givesWay(blind)).to.deep.equal([0, 0, 0]);
    });
  });
});

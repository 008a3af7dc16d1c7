import { expect } from 'chai';
import fc from 'fast-check';
import { Header, ROOTS, Slot, Slots, Table } from '../../lib/arena/layout.js';
import { rootOf } from '../../lib/dirty/client.js';
import {
  CODE,
  CorruptionError,
  type DirtyMemory,
  GracePeriodTimeout,
  MIGRATION,
  UsageError,
  VGA,
} from '../../lib/index.js';
import { attachVcpu, type Vcpu } from '../../lib/vcpu.js';
import { CLIENTS, dirtyPages, foreignVcpu, PAGE, range, smallEngine } from '../support/engines.js';
import { itInBothForms } from '../support/long.js';
import { expectReject, expectThrow } from '../support/refusals.js';
import { boundedCall } from './bounded-call.js';
import { SHRINKING } from './hostile-calls.js';

const READERS = 4;
const KERNELS = ['wasm', 'atomics'] as const;
type ErrorClass = abstract new (...args: never[]) => Error;

interface Fixture {
  readonly memory: DirtyMemory;
  /** The arena's. */
  readonly words: Int32Array;
}

/** Three bitmap blocks, dirty in part, and in the arena also a page set, a freed table and freed blocks. */
async function createFixture(kernel: (typeof KERNELS)[number] = 'wasm'): Promise<Fixture> {
  const memory = smallEngine({ kernel, debug: false, maxReaders: READERS });
  memory.ram.plug({ id: 'low', size: 90 * PAGE });
  const gone = memory.ram.plug({ id: 'gone', size: 200 * PAGE });
  await memory.ram.unplug(gone);
  memory.ram.plug({ id: 'high', size: 30 * PAGE, offset: 130 * PAGE });
  memory.whileStopped.snapshotAndClear(0, 20 * PAGE, VGA);
  return { memory, words: new Int32Array(memory.handle.memory.buffer) };
}

const word = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });

/** Everything that a vCPU does, wherever there is RAM and where there is none. */
const uses: readonly [title: string, use: (vcpu: Vcpu) => unknown][] = [
  ...[0, 70, 100, 140, 500, 2 ** 31].flatMap((page): [string, (vcpu: Vcpu) => unknown][] => [
    [`mark of page ${page}`, (vcpu) => vcpu.mark(page * PAGE)],
    [`markPage ${page}`, (vcpu) => vcpu.markPage(page, CODE)],
    [`markRange at ${page}`, (vcpu) => vcpu.markRange(page * PAGE, 100 * PAGE, 7)],
    [`isDirty at ${page}`, (vcpu) => vcpu.isDirty(page * PAGE, 100 * PAGE, VGA)],
    [`allDirty at ${page}`, (vcpu) => vcpu.allDirty(page * PAGE, PAGE, MIGRATION)],
  ]),
  ['includesClean of all', (vcpu) => vcpu.includesClean(0, 2 ** 43, 7)],
  ['isDirty of all', (vcpu) => vcpu.isDirty(0, 2 ** 43, VGA)],
  ['quiescent', (vcpu) => vcpu.quiescent()],
  ['kicked', (vcpu) => vcpu.kicked],
  ['offline', (vcpu) => vcpu.offline(() => {})],
  ['a section', (vcpu) => vcpu.read(() => vcpu.mark(0))],
];

/** @returns what the call gave, or its error, which is one of the engine's or of the language's for bad values */
async function expectNoWorse(title: string, call: () => unknown, ...more: ErrorClass[]): Promise<unknown> {
  const outcome = await boundedCall(title, call);
  if ('returned' in outcome) return outcome.returned;
  const { threw } = outcome;
  const known = [TypeError, RangeError, CorruptionError, ...more].some((type) => threw instanceof type);
  expect(known, `${title} threw ${threw instanceof Error ? threw.stack : threw}`).to.equal(true);
  return threw;
}

async function useAll(memory: DirtyMemory): Promise<void> {
  const vcpu = await expectNoWorse('attachVcpu', () => attachVcpu(memory.handle));
  if (vcpu instanceof Error) return;
  for (const [title, use] of uses) await expectNoWorse(title, () => use(vcpu as Vcpu));
  await expectNoWorse('detach', () => (vcpu as Vcpu).detach());
}

/** The engine works: it marks, collects, waits and has its arena's bytes again. */
async function expectUnharmed({ memory }: Fixture): Promise<void> {
  const vcpu = attachVcpu(memory.handle);
  memory.whileStopped.harvest(VGA).set.dispose();
  expect(vcpu.mark(5 * PAGE) & 1).to.equal(1);
  expect(dirtyPages(memory, VGA)).to.deep.equal([5]);
  const { set } = await memory.harvest(VGA, { timeoutMs: 60_000 });
  expect([...set.runs()]).to.deep.equal([{ start: 5 * PAGE, length: PAGE }]);
  set.dispose();
  vcpu.detach();
  expect(memory.stats().readersAttached).to.equal(0);
  for (const block of [...memory.ram]) await memory.ram.unplug(block);
  await memory.close({ timeoutMs: 60_000 });
}

describe('an arena that was written over', () => {
  it('is refused when any word of its creation has another value, and unharmed by the try', async () => {
    const fixture = await createFixture();
    const { memory, words } = fixture;
    const own = words.slice(0, Header.Checksum + 1);
    const statics = fc.constantFrom(...range(Header.Magic, Header.EngineId + 1), Header.Checksum);
    const change = fc.oneof(
      word,
      fc.nat(31).map((bit) => 1 << bit),
      fc.integer({ min: -5, max: 5 }),
    );
    await fc.assert(
      fc.asyncProperty(statics, change, fc.boolean(), async (at, value, flips) => {
        words[at] = flips ? (own[at] as number) ^ value : value;
        fc.pre(words[at] !== own[at]);
        const before = words.slice();
        const refusal = await expectNoWorse('attachVcpu', () => attachVcpu(memory.handle));
        expect(refusal, `word ${at} is ${words[at]}, not ${own[at]}`).to.be.instanceOf(RangeError);
        expect(words.every((now, i) => now === before[i])).to.equal(true);
        words[at] = own[at] as number;
      }),
      { numRuns: 500, ...SHRINKING },
    );
    words.set(own);
    await expectUnharmed(fixture);
  });

  it('is refused when it was truncated', async () => {
    const { memory, words } = await createFixture();
    for (let pages = 0; pages < words.length / 2 ** 14; pages++) {
      const part = new WebAssembly.Memory({ initial: pages, maximum: 4, shared: true });
      new Int32Array(part.buffer).set(words.subarray(0, pages * 2 ** 14));
      const refusal = await expectNoWorse('attachVcpu', () => attachVcpu({ ...memory.handle, memory: part }));
      expect(refusal, `${pages} pages`).to.be.instanceOf(RangeError);
    }
  });

  it('does not mislead a vCPU for good by what changes all the time: it works again when the owner has stored', async () => {
    const places = fc.constantFrom(Header.LastPage, Header.Number, Header.Waiting, Header.Wake, Header.Completed);
    await fc.assert(
      fc.asyncProperty(places, word, async (at, value) => {
        const fixture = await createFixture();
        const { memory, words } = fixture;
        words[at] = value;
        await useAll(memory);
        memory.ram.plug({ id: 'new', size: PAGE });
        await expectUnharmed(fixture);
      }),
      { numRuns: 30, ...SHRINKING },
    );
  });

  for (const kernel of KERNELS) {
    const title = `gives a vCPU errors, not endless loops, where its roots or tables are: ${kernel}`;
    itInBothForms(title, 25, 100, async (numRuns) => {
      const { words: all } = await createFixture();
      const inArena = fc.nat(all.length + 100);
      const near = fc.nat(2 ** 11);
      const value = fc.oneof(word, inArena, near, fc.constantFrom(0, 1, -1, -(2 ** 31), 2 ** 31 - 1));
      const roots = fc.subarray([0, 1, 2], { minLength: 1 });
      await fc.assert(
        fc.asyncProperty(fc.constantFrom('root', 'length', 'entries'), roots, value, async (what, chosen, bad) => {
          const { memory, words } = await createFixture(kernel);
          for (const root of chosen) {
            const table = words[Header.Roots + root] as number;
            if (what === 'root') words[Header.Roots + root] = bad;
            else if (what === 'length') words[table] = bad;
            else words.fill(bad, table + Table.Entries, table + Table.Entries + (words[table] as number));
          }
          await useAll(memory);
        }),
        { numRuns, ...SHRINKING },
      );
    });
  }

  it('lets the owner go on with slots of any content, and once they are right again as if nothing had been', async () => {
    const slots = fc.array(fc.oneof(fc.constant(0), word, fc.integer({ min: -3, max: 3 })), {
      minLength: READERS * Slots.size,
      maxLength: READERS * Slots.size,
    });
    await fc.assert(
      fc.asyncProperty(slots, word, async (contents, identity) => {
        const fixture = await createFixture();
        const { memory, words } = fixture;
        const right = words.slice(Slots.first, Slots.first + READERS * Slots.size);
        words.set(contents, Slots.first);
        await useAll(memory);
        await expectNoWorse('stats', () => memory.stats());
        await expectNoWorse('retire', () => memory.retire(identity));
        await expectNoWorse('synchronize', () => memory.rcu.synchronize({ timeoutMs: 1 }), GracePeriodTimeout);
        await expectNoWorse('harvest', () => memory.harvest(CODE, { timeoutMs: 1 }), GracePeriodTimeout);
        await expectNoWorse(
          'synchronizeBlocking',
          () => memory.rcu.synchronizeBlocking({ timeoutMs: 1 }),
          GracePeriodTimeout,
        );
        await expectNoWorse('kick', () => memory.rcu.kick());
        await expectNoWorse('holdouts', () => memory.rcu.holdouts());
        words.set(right, Slots.first);
        await expectUnharmed(fixture);
      }),
      { numRuns: 30, ...SHRINKING },
    );
  });

  it('does not hide a reader that has written over its identity, and its slot can be retired when it is dead', async () => {
    const { memory, words } = await createFixture();
    const dead = foreignVcpu(memory, 'dead');
    for (const identity of [0, -(2 ** 31)]) {
      words[dead.slot + Slot.Identity] = identity;
      const wait = () => memory.rcu.synchronize({ timeoutMs: 1 });
      await expectReject(
        wait,
        GracePeriodTimeout,
        "'dead' (slot 0, whose identity was written over",
        'retire({ slot: 0 })',
      );
      const known = { name: 'dead', identity: -1, slot: 0, online: true, local: false };
      expect(memory.rcu.holdouts()).to.deep.equal([known]);
      expect(memory.stats().readersAttached).to.equal(1);
    }
    expect(memory.retire(4711)).to.equal(0);
    expect([memory.retire({ slot: 0 }), memory.retire({ slot: 0 }), memory.retire({ slot: 1 })]).to.deep.equal([
      1, 0, 0,
    ]);
    await memory.rcu.synchronize();
    await expectUnharmed({ memory, words });
  });

  it('does not hide a reader that has written that it is leaving, and is not', async () => {
    const { memory, words } = await createFixture();
    words[foreignVcpu(memory, 'dead').slot + Slot.Leaving] = 1;
    await expectReject(() => memory.rcu.synchronize({ timeoutMs: 1 }), GracePeriodTimeout, "'dead' (identity 4711");
    expect(memory.retire(4711)).to.equal(1);
    await expectUnharmed({ memory, words });
  });

  it('has no slot retired by its position whose tenant is known, nor a position that there is not', async () => {
    const { memory } = await createFixture();
    const vcpu = foreignVcpu(memory, 'alive');
    expectThrow(() => memory.retire({ slot: 0 }), UsageError, 'retire', "'alive'", 4711);
    for (const slot of [-1, READERS, 0.5, Number.NaN])
      expectThrow(() => memory.retire({ slot }), RangeError, 'slot', slot);
    expectThrow(() => memory.retire({ slot: '0' as unknown as number }), TypeError, 'slot', "'0'");
    vcpu.mark(5);
    vcpu.detach();
    const own = attachVcpu(memory.handle, { name: 'own' });
    const words = new Int32Array(memory.handle.memory.buffer);
    words[own.slot + Slot.Identity] = 0;
    expectThrow(() => memory.retire({ slot: 0 }), UsageError, "'own'", 'calling thread');
    own.detach();
    await memory.close();
  });

  it('has its readers retired by identity when its magic was written over; when its id was, it says that it is lost', async () => {
    const { memory, words } = await createFixture();
    foreignVcpu(memory, 'dead');
    const [magic, id] = [words[Header.Magic] as number, words[Header.EngineId] as number];
    words[Header.Magic] = 0;
    words[Header.EngineId] = 5;
    expectThrow(() => memory.retire(4711), CorruptionError, 'retire', 'written over');
    await expectReject(() => memory.rcu.synchronize({ timeoutMs: 1 }), GracePeriodTimeout, "'dead' (identity 4711");
    words[Header.EngineId] = id;
    expect(memory.retire(4711)).to.equal(1);
    await memory.rcu.synchronize();
    words[Header.Magic] = magic;
    await expectUnharmed({ memory, words });
  });

  it('never has a wait held up by nobody: whoever holds it up can be retired', async () => {
    const slots = fc.array(fc.oneof(fc.constant(0), word, fc.integer({ min: -3, max: 3 })), {
      minLength: READERS * Slots.size,
      maxLength: READERS * Slots.size,
    });
    await fc.assert(
      fc.asyncProperty(slots, async (contents) => {
        const { memory, words } = await createFixture();
        const right = words.slice(Slots.first, Slots.first + READERS * Slots.size);
        words.set(contents, Slots.first);
        for (let retired = 0; retired <= READERS; ) {
          const error = await memory.rcu.synchronize({ timeoutMs: 1 }).catch((reason: unknown) => reason);
          if (error === undefined) break;
          expect(error).to.be.instanceOf(GracePeriodTimeout);
          const [reader] = (error as GracePeriodTimeout).readers;
          if (reader === undefined) continue; // the time was up before the owner had looked
          retired += memory.retire(reader.identity === -1 ? { slot: reader.slot } : reader.identity);
        }
        await memory.rcu.synchronize();
        words.set(right, Slots.first);
        await expectUnharmed({ memory, words });
      }),
      { numRuns: 50, ...SHRINKING },
    );
  });

  for (const kernel of KERNELS) {
    it(`tells the owner where its tables were written over, and loses nothing that it had taken: ${kernel}`, async () => {
      const { words: all } = await createFixture();
      const bad = fc.oneof(word, fc.nat(all.length + 100), fc.nat(2 ** 11), fc.constantFrom(0, 1, -1, 2 ** 31 - 1));
      await fc.assert(
        fc.asyncProperty(fc.constantFrom(...CLIENTS), fc.nat(2), bad, async (client, entry, value) => {
          const { memory, words } = await createFixture(kernel);
          for (const page of [5, 70, 140]) memory.setDirty(page * PAGE, client);
          const at = (words[Header.Roots + rootOf(client)] as number) + Table.Entries + entry;
          const own = words[at] as number;
          fc.pre(own !== value);
          const before = dirtyPages(memory, client);
          words[at] = value;
          const ram = [...memory.ram];
          const calls: (() => unknown)[] = [
            () => memory.setDirtyRange(0, 90 * PAGE, 7),
            () => memory.setDirtyRange(130 * PAGE, 30 * PAGE, 7),
            () => memory.setDirtyBitmap(new Uint8Array(12).fill(0xff), 0, 90),
            () => memory.whileStopped.harvest(client),
            () => memory.snapshotAndClear(0, 160 * PAGE, client),
            () => memory.testAndClear(0, 160 * PAGE, client),
            () => memory.harvest(client),
            () => memory.harvest(client, { maxPages: 200 }),
            () => memory.allDirty(0, 90 * PAGE, client),
            () => memory.isDirty(0, 160 * PAGE, client),
          ];
          const told: unknown[] = [];
          for (const call of calls) {
            const error = await (async () => call())().then(
              () => undefined,
              (reason: unknown) => reason,
            );
            if (error !== undefined) {
              expect(error, `${call}`).to.be.instanceOf(CorruptionError);
              expect((error as Error).message)
                .to.contain(`entry ${entry}`)
                .and.contain(`${value}`)
                .and.contain(`${own}`);
            }
            told.push(error);
          }
          expect(told.slice(2, 8).filter((error) => error !== undefined)).to.not.be.empty;
          // What the owner took before it saw is back where it was.
          await memory.rcu.barrier();
          words[at] = own;
          expect(dirtyPages(memory, client)).to.include.members(before);
          for (const block of ram) await memory.ram.unplug(block);
          await memory.close({ timeoutMs: 60_000 });
        }),
        { numRuns: 60, ...SHRINKING },
      );
    });
  }

  it('unplugs and closes with tables that were written over: the owner goes by its own record', async () => {
    const { memory, words } = await createFixture();
    for (let root = 0; root < ROOTS; root++) {
      const table = words[Header.Roots + root] as number;
      words.fill(77, table + Table.Entries, table + Table.Entries + (words[table] as number));
    }
    for (const block of [...memory.ram]) await memory.ram.unplug(block);
    expect(memory.stats().bitmapBlocks).to.equal(0);
    await memory.close();
  });
});

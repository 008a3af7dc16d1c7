/** GP-5 between engines: which of them may be created where, and that nobody writes to another engine than their own. */
import { expect } from 'chai';
import { Arena } from '../../lib/arena/arena.js';
import { CLOSED, CREATING, Header, LEFT, MAGIC } from '../../lib/arena/layout.js';
import { openEngine } from '../../lib/dirty-memory.js';
import { CODE, DirtyMemory, UsageError, VGA } from '../../lib/index.js';
import { shippedParts } from '../../lib/parts.js';
import { claimSlot, freeSlot, reportReaders, retireIdentity } from '../../lib/rcu/registry.js';
import { attachVcpu } from '../../lib/vcpu.js';
import { foreignVcpu, PAGE, reportUntil, smallEngine } from '../support/engines.js';
import { interleaved } from '../support/hand-stepped.js';
import { expectReject, expectThrow } from '../support/refusals.js';

const OPTIONS = { pageSize: PAGE, pagesPerBlock: 64, maxRamBytes: 2 ** 20, arenaBytes: 2 ** 16 };
const shared = (): WebAssembly.Memory => new WebAssembly.Memory({ initial: 16, maximum: 16, shared: true });

/** What the next engine in the memory may be. */
const NEXT: [what: string, options: { maxReaders: number; byteOffset?: number }][] = [
  ['has as many slots', { maxReaders: 4 }],
  ['has fewer slots, so that bitmaps lie where slots were', { maxReaders: 1 }],
  ['has more slots', { maxReaders: 16 }],
  ['begins at another byte', { maxReaders: 4, byteOffset: 64 }],
];

/** The words of the memory that hold something else than they did. */
function changed(memory: WebAssembly.Memory, contents: Int32Array | undefined): number[] {
  const words = new Int32Array(memory.buffer);
  const indices: number[] = [];
  words.forEach((word, i) => {
    if (word !== contents?.[i]) indices.push(i);
  });
  return indices;
}

/** Does something before the access of that number, counted from 0. @returns whether there are so many */
function before(words: ReturnType<typeof interleaved>['words'], number: number, act: () => void): () => boolean {
  let accesses = 0;
  words.before = () => {
    if (accesses++ === number) act();
  };
  return () => accesses > number;
}

describe('a thread that claims a slot of an engine that is closed meanwhile', () => {
  for (const [what, options] of NEXT) {
    it(`writes nothing to the next engine, wherever it was delayed or killed: one that ${what}`, async () => {
      let created = 0;
      for (let delayedAt = 0, reached = true; reached; delayedAt++) {
        for (let killedAt = delayedAt, alive = true; alive; killedAt++) {
          const memory = shared();
          const first = DirtyMemory.create({ ...OPTIONS, memory, maxReaders: 4 });
          const { arena: late, words } = interleaved(Arena.attach('attachVcpu', first.handle));
          await first.close();
          let next: DirtyMemory | undefined;
          let contents: Int32Array | undefined;
          const create = before(words, delayedAt, () => {
            try {
              next = DirtyMemory.create({ ...OPTIONS, ...options, memory });
            } catch (error) {
              expect(error).to.have.property('message').that.includes('still attached (identity 7)');
              return;
            }
            created += 1;
            next.ram.plug({ id: 'ram', size: 2 ** 20 });
            contents = new Int32Array(memory.buffer).slice();
          });
          const delay = words.before;
          const die = before(words, killedAt, () => {
            throw new Error('killed');
          });
          const kill = words.before;
          words.before = (...access) => {
            delay(...access);
            kill(...access);
          };
          let outcome: unknown;
          try {
            outcome = claimSlot(late, 7, 'late');
          } catch (error) {
            outcome = error;
          }
          reached = create();
          alive = die();
          if (next === undefined) {
            if (reached) expect(alive || typeof outcome === 'number', 'it had the slot, or died').to.equal(true);
            continue;
          }
          expect(changed(memory, contents), `delayed at ${delayedAt}, killed at ${killedAt}`).to.deep.equal([]);
          expect(next.stats().readersAttached).to.equal(0);
          if (!alive) expect(outcome).to.be.instanceOf(UsageError);
        }
      }
      expect(created).to.be.above(5);
    });
  }

  it('keeps the memory from another engine if it comes first, and gives it back when it has left', async () => {
    const memory = shared();
    const first = DirtyMemory.create({ ...OPTIONS, memory });
    const late = Arena.attach('attachVcpu', first.handle);
    await first.close();
    const slot = claimSlot(late, 7, 'late');
    const contents = new Int32Array(memory.buffer).slice();
    for (const byteOffset of [0, 64]) {
      const create = (): unknown => DirtyMemory.create({ ...OPTIONS, memory, byteOffset });
      expectThrow(create, RangeError, 'byteOffset 0', 'still attached', 'identity 7', 'reclaim');
    }
    expect(changed(memory, contents)).to.deep.equal([]);
    freeSlot(late, slot);
    await DirtyMemory.create({ ...OPTIONS, memory, byteOffset: 64 }).close();
  });

  it('is refused a slot by an error that says what became of the engine', async () => {
    const memory = shared();
    const first = DirtyMemory.create({ ...OPTIONS, memory });
    const late = Arena.attach('attachVcpu', first.handle);
    await first.close();
    const next = DirtyMemory.create({ ...OPTIONS, memory });
    expectThrow(() => claimSlot(late, 7, 'late'), UsageError, 'attachVcpu', 'closed', 'another one was created');
    await next.close();
    expectThrow(() => claimSlot(late, 7, 'late'), UsageError, 'attachVcpu', 'closed meanwhile');
  });
});

/** What `Math.random` returns while an engine is created, and so the engine's id. */
function drawing<T>(drawn: number, create: () => T): T {
  const { random } = Math;
  Math.random = () => drawn;
  try {
    return create();
  } finally {
    Math.random = random;
  }
}

describe('the id of an engine', () => {
  const idOf = ({ handle }: DirtyMemory): number => Arena.attach('spec', handle).engineId;
  const ids: [drawn: number, first: number, next: number][] = [
    [0, 1, 2],
    [1 - 2 ** -53, 2 ** 31 - 1, 1],
  ];
  for (const [drawn, first, next] of ids) {
    it(`is ${first} if ${drawn} is drawn, and ${next} in the next engine in its place`, async () => {
      const memory = shared();
      for (const id of [first, next]) {
        const engine = drawing(drawn, () => smallEngine({ memory }));
        expect(idOf(engine)).to.equal(id);
        await engine.close();
      }
    });
  }
});

describe('the owner of a closed engine', () => {
  for (const byteOffset of [0, 64]) {
    it(`retires no reader of the next engine, at byte ${byteOffset}, whenever that is created, though their identities are the same`, async () => {
      for (let delayedAt = 0, reached = true; reached; delayedAt++) {
        const memory = shared();
        const first = drawing(0, () => DirtyMemory.create({ ...OPTIONS, memory }));
        const { arena, words } = interleaved(Arena.attach('spec', first.handle));
        await first.close();
        let next: DirtyMemory | undefined;
        const hasCome = before(words, delayedAt, () => {
          next = DirtyMemory.create({ ...OPTIONS, memory, byteOffset });
          foreignVcpu(next).goOffline();
        });
        expect(retireIdentity(arena, 4711)).to.equal(0);
        reached = hasCome();
        if (next !== undefined) expect(next.stats().readersAttached).to.equal(1);
      }
    });
  }

  it('reports no reader of the next engine as its own', async () => {
    const memory = shared();
    const first = smallEngine({ memory });
    await first.close();
    const next = smallEngine({ memory });
    attachVcpu(next.handle);
    expect(first.stats().readersAttached).to.equal(0);
    expect(reportReaders(Arena.attach('spec', next.handle))).to.have.length(1);
  });

  it('makes its last store before another engine can be created there', async () => {
    const memory = shared();
    const engine = smallEngine({ memory });
    const { rcu } = engine;
    const close = rcu.close.bind(rcu);
    let state = 0;
    Object.assign(rcu, {
      close: () => {
        state = new Int32Array(memory.buffer)[Header.Closed] as number;
        expectThrow(() => smallEngine({ memory }), RangeError, 'not closed', 'byteOffset 0');
        close();
      },
    });
    await engine.close();
    expect(state).to.equal(CLOSED);
    expect(new Int32Array(memory.buffer)[Header.Closed]).to.equal(LEFT);
    const next = smallEngine({ memory });
    const contents = new Int32Array(memory.buffer).slice();
    await engine.close();
    expect(changed(memory, contents)).to.deep.equal([]);
    await next.close();
  });
});

describe('a page set of a closed engine', () => {
  it('writes nothing to the next engine in the same memory, whatever is done with it', async () => {
    const memory = shared();
    const first = smallEngine({ memory, debug: false });
    first.ram.plug({ id: 'ram', size: 100 * PAGE });
    const [{ set }, other] = [first.whileStopped.harvest(VGA), first.whileStopped.harvest(CODE).set];
    await first.close();
    const next = smallEngine({ memory });
    next.ram.plug({ id: 'ram', size: 200 * PAGE });
    const contents = new Int32Array(memory.buffer).slice();
    for (const use of [() => set.delete(0, PAGE), () => [...set.runs()], () => set.pages]) {
      expectThrow(use, UsageError, 'closed');
    }
    set.dispose();
    other.dispose();
    expect(changed(memory, contents)).to.deep.equal([]);
  });
});

describe('the bytes of an engine', () => {
  it('are taken by one of two that are created there at once', () => {
    const memory = shared();
    new Int32Array(memory.buffer)[Header.Magic] = CREATING; // as the other thread has left it
    expectThrow(
      () => smallEngine({ memory }),
      UsageError,
      'another thread is creating an engine at byteOffset 0',
      'reclaim',
    );
  });

  for (const byteOffset of [0, 4096, 2 ** 15]) {
    it(`are not taken by one that begins at byte ${byteOffset}, though the memory object is another, as in another thread`, async () => {
      const memory = shared();
      const engine = smallEngine({ memory, byteOffset: 4096 });
      const theirs = structuredClone(engine.handle.memory);
      const contents = new Int32Array(memory.buffer).slice();
      const create = (): unknown => smallEngine({ memory: theirs, byteOffset });
      expectThrow(create, RangeError, 'not closed', 'byteOffset 4096', 'DirtyMemory.reclaim');
      expect(changed(memory, contents)).to.deep.equal([]);
      await engine.close();
      await smallEngine({ memory: theirs, byteOffset }).close();
    });
  }

  for (const part of Object.keys(shippedParts).filter((name) => name !== 'swapPolicy')) {
    it(`are free again when creation fails at its part: ${part}`, () => {
      const memory = shared();
      const fail = (): never => {
        throw new RangeError('the host is out of memory');
      };
      const create = (): unknown => openEngine({ ...OPTIONS, memory }, { [part]: fail });
      expectThrow(create, RangeError, 'the host is out of memory');
      attachVcpu(DirtyMemory.create({ ...OPTIONS, memory }).handle).detach();
    });
  }

  it('are as they were when their engine is refused because a reader is attached to the one of before', async () => {
    const memory = shared();
    const first = smallEngine({ memory, byteOffset: 64 });
    const vcpu = foreignVcpu(first);
    await reportUntil(vcpu, first.close());
    const contents = new Int32Array(memory.buffer).slice();
    for (const byteOffset of [64, 128]) {
      expectThrow(() => smallEngine({ memory, byteOffset }), RangeError, 'still attached', 'identity 4711');
    }
    expect(changed(memory, contents)).to.deep.equal([]);
    await expectReject(() => first.harvest(VGA), UsageError, 'closed');
    vcpu.detach();
    await smallEngine({ memory, byteOffset: 128 }).close();
  });

  it('are as they were when their engine is refused because of a reader in the second slot', async () => {
    const memory = shared();
    const first = smallEngine({ memory });
    const [gone, vcpu] = [attachVcpu(first.handle), attachVcpu(first.handle)];
    gone.detach();
    vcpu.goOffline();
    await first.close();
    const contents = new Int32Array(memory.buffer).slice();
    expectThrow(() => smallEngine({ memory }), RangeError, 'still attached');
    expect(changed(memory, contents)).to.deep.equal([]);
    vcpu.detach();
    await smallEngine({ memory }).close();
  });
});

describe('a closed engine whose number of slots was written over', () => {
  it('is looked at no farther than the memory reaches', async () => {
    const memory = shared();
    await smallEngine({ memory }).close();
    new Int32Array(memory.buffer)[Header.MaxReaders] = 2 ** 31 - 1;
    await smallEngine({ memory }).close();
  });
});

describe('reclaiming', () => {
  it('leaves as it is what is no engine', () => {
    const memory = shared();
    new Int32Array(memory.buffer).fill(0x55);
    const contents = new Int32Array(memory.buffer).slice();
    expectThrow(() => DirtyMemory.reclaim({ memory }), RangeError, 'DirtyMemory.reclaim', 'magic');
    expect(changed(memory, contents)).to.deep.equal([]);
  });
});

describe('a closed engine whose magic was written over', () => {
  it('is nobody’s neighbour: another one may begin in its bytes', async () => {
    const memory = shared();
    await DirtyMemory.create({ ...OPTIONS, memory }).close();
    new Int32Array(memory.buffer)[Header.Magic] = 0;
    const next = DirtyMemory.create({ ...OPTIONS, memory, byteOffset: 64 });
    expect(next.handle.byteOffset).to.equal(64);
    await next.close();
  });
});

describe('a place whose owner’s thread has ended', () => {
  const find = (memory: WebAssembly.Memory, byteOffset = 0) => Arena.abandoned('spec', memory, byteOffset);
  const magicOf = (memory: WebAssembly.Memory) => new Int32Array(memory.buffer)[Header.Magic];

  it('has the engine that lived there, also where only its publication was missing', () => {
    const memory = shared();
    const { arena } = Arena.create({ ...OPTIONS, memory });
    expect(find(memory)?.engineId).to.equal(arena.engineId);
    new Int32Array(memory.buffer)[Header.Magic] = CREATING;
    expect(find(memory)?.engineId).to.equal(arena.engineId);
    expect(magicOf(memory)).to.equal(MAGIC);
  });

  it('is free again if the engine was being created', () => {
    const memory = shared();
    new Int32Array(memory.buffer)[Header.Magic] = CREATING;
    expect(find(memory)).to.equal(undefined);
    expect(magicOf(memory)).to.equal(0);
  });

  it('is refused where no engine can be', () => {
    for (const byteOffset of [32, 2 ** 20, -64]) {
      expectThrow(() => find(shared(), byteOffset), RangeError, 'spec: byteOffset', byteOffset);
    }
    expectThrow(() => find(shared()), RangeError, "the arena's magic");
  });
});

describe('the engines of a thread', () => {
  it('are those that it has created, until it closes them', () => {
    const { arena, release } = Arena.create(OPTIONS);
    expect(Arena.ownedHere(arena.engineId)).to.equal(arena);
    release();
    expect(Arena.ownedHere(arena.engineId)).to.equal(undefined);
  });
});

/**
 * GP-5 between engines, at every access to memory that a creation makes: what another thread does just before it, and
 * that the thread dies there.
 */
import { expect } from 'chai';
import { Arena, type ArenaHandle } from '../../lib/arena/arena.js';
import { UsageError } from '../../lib/index.js';
import { claimSlot, freeSlot } from '../../lib/rcu/registry.js';
import { reclaim } from '../../lib/reclaim.js';
import { beforeEachAccess } from '../support/hand-stepped.js';

const SIZE = 2048;
const READERS = 3;
const READER = 7;

/** As another thread has the memory: this thread's engines in it are not known to belong to this thread. */
const another = (memory: WebAssembly.Memory): WebAssembly.Memory => structuredClone(memory);

const emptyMemory = (): WebAssembly.Memory => new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });

const create = (memory: WebAssembly.Memory, byteOffset: number, arenaBytes = SIZE) =>
  Arena.create({
    memory: another(memory),
    byteOffset,
    arenaBytes,
    pagesPerBlock: 64,
    maxRamBytes: 2 ** 18,
    maxReaders: READERS,
  });

/** @returns a handle of the closed engine that lived there */
function closedEngine(memory: WebAssembly.Memory, byteOffset = 0, arenaBytes = SIZE): Arena {
  const { arena, release } = create(memory, byteOffset, arenaBytes);
  const late = Arena.attach('spec', arena.handle);
  release();
  return late;
}

/** An engine whose header is whole, and whose slots are all free. */
function expectWhole(handle: ArenaHandle): void {
  const arena = Arena.attach('spec', handle);
  const slots = Array.from({ length: READERS }, (_, i) => claimSlot(arena, i, 'reader'));
  for (const slot of slots) freeSlot(arena, slot);
}

/** Runs `body` with `act` before its access of that number. @returns whether it has so many accesses */
function actAt(number: number, act: () => void, body: () => void): boolean {
  let accesses = 0;
  beforeEachAccess(() => {
    if (accesses++ === number) act();
  }, body);
  return accesses > number;
}

/** Calls `body` with 0, 1 and so on until it says that the creation has no such access. */
function atEachAccess(body: (number: number) => boolean): void {
  let number = 0;
  while (body(number)) number++;
  expect(number, 'accesses').to.be.above(20);
}

type Attempt = { arena?: Arena; refusal?: Error };

function attempt(body: () => { arena: Arena }): Attempt {
  try {
    return { arena: body().arena };
  } catch (error) {
    return { refusal: error as Error };
  }
}

/** Runs `body`, and fails its access of that number and all that follow. @returns whether it has so many accesses */
function dieAt(number: number, body: () => { arena: Arena }): boolean {
  let accesses = 0;
  attempt(() =>
    beforeEachAccess(() => {
      if (accesses++ >= number) throw new Error('killed');
    }, body),
  );
  return accesses > number;
}

/** Does once at each byte what the refusals ask for: that it is reclaimed. */
function createReclaiming(memory: WebAssembly.Memory, byteOffset: number): Attempt {
  const reclaimed = new Set<string>();
  for (;;) {
    const made = attempt(() => create(memory, byteOffset));
    const [, at] = /at byteOffset (\d+).*DirtyMemory.reclaim/.exec(made.refusal?.message ?? '') ?? [];
    if (at === undefined || reclaimed.has(at)) return made;
    reclaimed.add(at);
    reclaim({ memory: another(memory), byteOffset: Number(at) });
  }
}

const GROUNDS: [what: string, prepare: (memory: WebAssembly.Memory) => void][] = [
  ['where nothing was', () => {}],
  ['in bytes of something else', (memory) => void new Uint8Array(memory.buffer).fill(0xa5)],
  ['in the place of a closed engine', (memory) => void closedEngine(memory, 64)],
  ['in bytes of a closed engine that begins before it', (memory) => void closedEngine(memory)],
];

describe('the creation of an engine', () => {
  for (const [what, prepare] of GROUNDS) {
    it(`${what}: of two threads, one does it`, () => {
      atEachAccess((number) => {
        const memory = emptyMemory();
        prepare(memory);
        let theirs: Attempt = {};
        let ours: Attempt = {};
        const other = (): void => {
          theirs = attempt(() => create(memory, 64));
        };
        const reached = actAt(number, other, () => {
          ours = attempt(() => create(memory, 64));
        });
        const { arena } = ours.arena === undefined ? theirs : ours;
        expect(arena, `one of them, at ${number}`).to.not.equal(undefined);
        if (reached) expect([ours.arena, theirs.arena], `only one, at ${number}`).to.contain(undefined);
        expectWhole((arena as Arena).handle);
        return reached;
      });
    });

    it(`${what}: if the thread dies, the place can be reclaimed, and another one does it`, () => {
      atEachAccess((number) => {
        const memory = emptyMemory();
        prepare(memory);
        const died = dieAt(number, () => create(memory, 64));
        if (died) {
          const { arena, refusal } = createReclaiming(memory, 64);
          expect(refusal, `at ${number}`).to.equal(undefined);
          expectWhole((arena as Arena).handle);
        }
        return died;
      });
    });
  }

  for (const byteOffset of [0, 64]) {
    const place = byteOffset === 0 ? 'in its place' : 'in its bytes';
    it(`${place}, while a reader claims a slot of the closed engine: one of them comes too late`, () => {
      atEachAccess((number) => {
        const memory = emptyMemory();
        const late = closedEngine(memory);
        let claimed: number | undefined;
        let ours: Attempt = {};
        const claim = (): void => {
          try {
            claimed = claimSlot(late, READER, 'late');
          } catch (error) {
            expect(error).to.be.instanceOf(UsageError);
          }
        };
        const reached = actAt(number, claim, () => {
          ours = attempt(() => create(memory, byteOffset));
        });
        if (claimed === undefined) {
          expectWhole((ours.arena as Arena).handle);
        } else {
          expect(ours.refusal, `at ${number}`)
            .to.have.property('message')
            .that.includes(`still attached (identity ${READER})`);
          freeSlot(late, claimed);
          expectWhole(create(memory, byteOffset).arena.handle);
        }
        return reached;
      });
    });

    it(`${place}, refused because of its last reader: if the thread dies, the reader is still attached`, () => {
      atEachAccess((number) => {
        const memory = emptyMemory();
        const late = closedEngine(memory);
        const [first, second] = [claimSlot(late, 1, 'first'), claimSlot(late, READER, 'second')];
        freeSlot(late, first);
        const died = dieAt(number, () => create(memory, byteOffset));
        const { refusal } = createReclaiming(memory, byteOffset);
        expect(refusal, `at ${number}`).to.have.property('message').that.includes(`(identity ${READER})`);
        freeSlot(late, second);
        expectWhole(create(memory, byteOffset).arena.handle);
        return died;
      });
    });
  }

  it('in each half of the bytes of a closed engine, by two threads: neither harms the other', () => {
    for (const [first, second] of [
      [SIZE, 0],
      [0, SIZE],
    ] as const) {
      atEachAccess((number) => {
        const memory = emptyMemory();
        closedEngine(memory, 0, 2 * SIZE);
        let ours: Attempt = {};
        let theirs: Attempt = {};
        const other = (): void => {
          theirs = attempt(() => create(memory, second));
        };
        const reached = actAt(number, other, () => {
          ours = attempt(() => create(memory, first));
        });
        ours = ours.arena === undefined ? attempt(() => create(memory, first)) : ours;
        theirs = theirs.arena === undefined ? attempt(() => create(memory, second)) : theirs;
        for (const { arena, refusal } of [ours, theirs]) {
          expect(refusal, `at ${number}`).to.equal(undefined);
          expectWhole((arena as Arena).handle);
        }
        return reached;
      });
    }
  });
});

/** Saves that fail at every place: no page is lost, the machine runs, and the chain is as it was. */
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import {
  beginChain,
  fileStore,
  type MemoryStore,
  memoryStore,
  SaveStateError,
  type StateChain,
} from '../../lib/save-states/index.js';
import { expectReject } from '../support/refusals.js';
import { FailingStore, SMALL_PAGE as PAGE, restored, SavedMachine } from '../support/save-states/states.js';

for (const base of [true, false]) {
  describe(`A save${base ? ' of a base' : ''} that fails`, () => {
    let machine: SavedMachine;
    let kept: MemoryStore;
    let store: FailingStore;
    let chain: StateChain;

    beforeEach(async () => {
      machine = new SavedMachine();
      machine.plug('ram', 20);
      kept = memoryStore();
      store = new FailingStore(kept);
      chain = await beginChain(machine, store);
      if (!base) await chain.save();
      machine.log.length = 0;
      machine.store(3 * PAGE, 33);
      machine.store(5 * PAGE, 55);
    });

    /** What was saved before is there as it was; with the next save all is there. */
    async function expectNothingLost(): Promise<void> {
      expect(machine.state).to.equal('running');
      const before = await restored(kept).catch((error: SaveStateError) => error.reason);
      if (base) expect(before).to.equal('missing');
      else expect(before).to.deep.include({ sequence: 0 });
      store.left = Infinity;
      machine.store(6 * PAGE, 66);
      const { sequence } = await chain.save();
      expect(sequence).to.equal(base ? 0 : 1);
      expect(await restored(kept)).to.deep.equal({ image: machine.image(), sequence, end: 'complete' });
      machine.store(7 * PAGE, 77);
      expect(await chain.save(), 'what is saved leaves').to.include({ pages: 1 });
      expect((await restored(kept)).image).to.deep.equal(machine.image());
    }

    it('because the disk is full, at any byte: Firecracker #4545: its pages are in the next', async () => {
      const before = await imageOf();
      let left = 0;
      for (let saved = false; !saved; left += 5) {
        store.left = left;
        saved = await chain.save().then(
          () => true,
          (error) => {
            expect(error).to.be.instanceOf(SaveStateError).and.to.include({ reason: 'store', cause: store.error });
            expect(error.message).to.match(/^save: (append|replace) failed: ENOSPC/);
            return false;
          },
        );
        // What fails last fails when all is written: nobody is told that the state is there, and the next one is in its place.
        if (!saved) expect([before, machine.image()], `${left} bytes`).to.deep.include(await imageOf());
      }
      expect(left).to.be.greaterThan(2 * PAGE);
      expect(await imageOf()).to.deep.equal(machine.image());
    });

    /** Of the last state that is whole. */
    async function imageOf(): Promise<unknown> {
      return (await restored(kept).catch((error: SaveStateError) => ({ image: error.reason }))).image;
    }

    it('at the last step, when it is not known to be on the disk', async () => {
      store.left = 1;
      await expectReject(() => chain.save(), SaveStateError, 'ENOSPC');
      await expectNothingLost();
    });

    it('because a store does not take all pieces', async () => {
      const { append, replace } = store;
      store.append = store.replace = async () => {};
      await expectReject(() => chain.save(), SaveStateError, 'it did not take all pieces');
      Object.assign(store, { append, replace });
      await expectNothingLost();
    });

    it('because it is aborted, before, in the pause and at each piece', async () => {
      const reason = new Error('enough');
      const aborted = async (abortIn: (abort: () => void) => void): Promise<void> => {
        const controller = new AbortController();
        abortIn(() => controller.abort(reason));
        const error = await chain.save({ signal: controller.signal }).catch((thrown) => thrown);
        expect(error).to.equal(reason);
      };
      await aborted((abort) => abort());
      expect(machine.log).to.deep.equal([]);
      await aborted((abort) => {
        machine.saveState = () => {
          abort();
          return machine.devices;
        };
      });
      machine.saveState = SavedMachine.prototype.saveState;
      const { append, replace } = store;
      for (const piece of [1, 2, 3]) {
        await aborted((abort) => {
          const counting = async function* (pieces: AsyncIterable<Uint8Array>) {
            let count = 0;
            for await (const part of pieces) {
              if (++count === piece) abort();
              yield part;
            }
          };
          store.append = (at, pieces) => append.call(store, at, counting(pieces));
          store.replace = (pieces) => replace.call(store, counting(pieces));
        });
      }
      Object.assign(store, { append, replace });
      await expectNothingLost();
    });

    for (const hook of ['pause', 'resume', 'saveState', 'contents'] as const) {
      it(`because ${hook} throws`, async () => {
        const reason = new Error('no such device');
        const replaced = machine[hook];
        machine[hook] = () => {
          if (hook === 'resume') SavedMachine.prototype.resume.call(machine);
          throw reason;
        };
        const error = await chain.save().catch((thrown) => thrown);
        expect(error).to.be.instanceOf(SaveStateError).and.to.include({ reason: 'machine', cause: reason });
        expect(error.message).to.equal(`save: ${hook} failed: no such device`);
        if (hook !== 'resume') expect(machine.log.at(-1)).to.equal('resume');
        machine[hook] = replaced as never;
        await expectNothingLost();
      });
    }

    it('because a hook returns what it must not', async () => {
      machine.contents = () => new Uint8Array(5);
      await expectReject(
        () => chain.save(),
        SaveStateError,
        "contents('ram') must return a Uint8Array of 1280 bytes",
        'got 5 at 0',
      );
      machine.contents = SavedMachine.prototype.contents;
      machine.saveState = () => 'state' as never;
      await expectReject(() => chain.save(), SaveStateError, "the state must be a Uint8Array, got 'state'");
      machine.saveState = SavedMachine.prototype.saveState;
      await expectNothingLost();
    });

    it('has nothing of RAM that is gone by the next', async () => {
      const dimm = machine.plug('dimm', 10, 100 * PAGE);
      machine.store(101 * PAGE, 1);
      store.left = 0;
      await expectReject(() => chain.save(), SaveStateError);
      await machine.unplug(dimm);
      await expectNothingLost();
    });
  });
}

describe('A save into a file', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'dirtymem-states-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('of a base, that fails because the disk is full, leaves the chain before as it was', async function () {
    if (!existsSync('/dev/full')) return this.skip();
    const machine = new SavedMachine();
    machine.plug('ram', 20);
    const path = join(folder, 'machine.states');
    await (await beginChain(machine, fileStore(path))).save();
    const before = readFileSync(path);
    symlinkSync('/dev/full', `${path}.part`);
    const other = await beginChain(machine, fileStore(path), { overwrite: true });
    await expectReject(() => other.save(), SaveStateError, 'ENOSPC');
    expect(readFileSync(path).equals(before)).to.equal(true);
    rmSync(`${path}.part`);
    machine.store(0, 1);
    await other.save();
    expect(await restored(fileStore(path))).to.deep.equal({ image: machine.image(), sequence: 0, end: 'complete' });
  });

  it('whose folder is gone meanwhile is made up for by the next', async () => {
    const machine = new SavedMachine();
    machine.plug('ram', 20);
    const path = join(folder, 'machine.states');
    const chain = await beginChain(machine, fileStore(path));
    await chain.save();
    const bytes = readFileSync(path);
    rmSync(path);
    machine.store(PAGE, 1);
    await expectReject(() => chain.save(), SaveStateError, 'ENOENT');
    await import('node:fs/promises').then(({ writeFile }) => writeFile(path, bytes));
    await chain.save();
    expect(await restored(fileStore(path))).to.deep.equal({ image: machine.image(), sequence: 1, end: 'complete' });
  });
});

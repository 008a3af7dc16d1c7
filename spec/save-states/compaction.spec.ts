import { expect } from 'chai';
import fc from 'fast-check';
import { beginChain, memoryStore, SaveStateError } from '../../lib/save-states/index.js';
import { itInBothForms } from '../support/long.js';
import type { Image } from '../support/migration/machines.js';
import { expectReject } from '../support/refusals.js';
import { FailingStore, SMALL_PAGE as PAGE, restored, SavedMachine } from '../support/save-states/states.js';

describe('A compaction', () => {
  it('leaves the last state, and of each page the last contents', async () => {
    const machine = new SavedMachine();
    const store = memoryStore();
    const chain = await beginChain(machine, store);
    machine.plug('ram', 100);
    const gone = machine.plug('gone', 100, 200 * PAGE);
    for (let n = 1; n < 30; n++) {
      for (let page = 0; page < 100; page++) machine.store(page * PAGE, (n + page) % 7);
      machine.store(200 * PAGE + n, n);
      if (n === 20) await machine.unplug(gone);
      if (n === 20) machine.plug('gone', 100, 200 * PAGE);
      machine.devices = Uint8Array.of(n);
      await chain.save();
    }
    const before = chain.bytes;
    const image = machine.image();
    await chain.compact();
    expect(chain.bytes)
      .to.equal(store.bytes.length)
      .and.to.be.lessThan(before / 20);
    expect(await restored(store)).to.deep.equal({ image, sequence: 28, end: 'complete' });
    await chain.compact();
    machine.store(3 * PAGE, 99);
    machine.store(4 * PAGE, 0);
    expect(await chain.save()).to.include({ sequence: 29, pages: 2 });
    expect(await restored(store)).to.deep.equal({ image: machine.image(), sequence: 29, end: 'complete' });
  });

  it('that fails at any byte, or is aborted, leaves the chain as it was', async () => {
    const machine = new SavedMachine();
    const kept = memoryStore();
    const store = new FailingStore(kept);
    const chain = await beginChain(machine, store);
    await expectReject(() => chain.compact(), SaveStateError, 'compact: there is no state yet', 'call save');
    machine.plug('ram', 10);
    for (let n = 1; n < 4; n++) {
      machine.store(n * PAGE, n);
      await chain.save();
    }
    const before = kept.bytes;
    for (let left = 0; left < 400; left += 3) {
      store.left = left;
      await expectReject(() => chain.compact(), SaveStateError, 'ENOSPC');
      expect(Buffer.compare(kept.bytes, before)).to.equal(0);
    }
    store.left = Infinity;
    const reason = new Error('enough');
    const error = await chain.compact({ signal: AbortSignal.abort(reason) }).catch((thrown) => thrown);
    expect(error).to.equal(reason);
    expect(Buffer.compare(kept.bytes, before)).to.equal(0);
    machine.store(5 * PAGE, 5);
    await chain.save();
    expect((await restored(kept)).image).to.deep.equal(machine.image());
    await chain.compact();
    expect((await restored(kept)).image).to.deep.equal(machine.image());
  });

  it('of a store that has something else by now is refused', async () => {
    const machine = new SavedMachine();
    const store = memoryStore();
    const chain = await beginChain(machine, store);
    machine.plug('ram', 10);
    await chain.save();
    await (await beginChain(machine, store, { overwrite: true })).save();
    machine.store(0, 1);
    await (await beginChain(machine, store, { overwrite: true })).save();
    await chain.save();
    await expectReject(() => chain.compact(), SaveStateError);
  });

  const steps = fc.array(
    fc.oneof(
      fc.record({ kind: fc.constant('store' as const), page: fc.nat(60), value: fc.nat(2) }),
      fc.record({ kind: fc.constant('fill' as const), page: fc.nat(50), pages: fc.nat(10), value: fc.nat(2) }),
      fc.record({ kind: fc.constant('save' as const), left: fc.option(fc.nat(500)) }),
      fc.record({ kind: fc.constant('compact' as const), left: fc.option(fc.nat(500)) }),
      fc.record({ kind: fc.constant('replug' as const), pages: fc.integer({ min: 1, max: 20 }) }),
    ),
    { minLength: 5, maxLength: 60, size: 'max' },
  );

  const title = 'and saves, failures and hotplug, in any order: the chain restores to the last state that was saved';
  itInBothForms(title, 20, 60, async (numRuns) => {
    await fc.assert(
      fc.asyncProperty(fc.boolean(), steps, async (compress, taken) => {
        const machine = new SavedMachine();
        const kept = memoryStore();
        const store = new FailingStore(kept);
        const chain = await beginChain(machine, store, { compress });
        machine.plug('ram', 40, 0);
        let dimm = machine.plug('dimm', 20, 40 * PAGE);
        const fill = (page: number, pages: number, value: number): void => {
          for (let at = page * PAGE; at < (page + pages) * PAGE; at += 8) {
            if (machine.memory.ram.find(at) !== undefined) machine.store(at, value);
          }
        };
        let last: Image | undefined;
        let unreported: Image[] = [];
        const act = async (call: () => Promise<unknown>, saves: boolean): Promise<void> => {
          const failed = await call().then(
            () => undefined,
            (error: SaveStateError) => error.reason,
          );
          store.left = Infinity;
          expect(failed).to.be.oneOf([undefined, 'store', 'missing']);
          if (failed === undefined && saves) last = machine.image();
          if (failed === undefined) unreported = [];
          else if (saves) unreported.push(machine.image());
          if (last === undefined) return;
          // What fails last fails when all is written: such a state is there until another one is written in its place.
          const possible = [last, ...unreported];
          expect(possible).to.deep.include((await restored(kept)).image);
        };
        for (const step of taken) {
          if (step.kind === 'store') fill(step.page, 1, step.value);
          if (step.kind === 'fill') fill(step.page, step.pages, step.value);
          if (step.kind === 'replug') {
            await machine.unplug(dimm);
            dimm = machine.plug('dimm', step.pages, 40 * PAGE);
          }
          if (step.kind === 'save' || step.kind === 'compact') {
            store.left = step.left ?? Infinity;
            await act(() => chain[step.kind](), step.kind === 'save');
          }
        }
        await act(() => chain.save(), true);
        await act(() => chain.compact(), false);
        expect((await restored(kept)).image).to.deep.equal(machine.image());
        await machine.memory.close();
      }),
      { numRuns, endOnFailure: true },
    );
  });
});

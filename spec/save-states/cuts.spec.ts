import { expect } from 'chai';
import { beginChain, continueChain, memoryStore, SaveStateError } from '../../lib/save-states/index.js';
import { itLong } from '../support/long.js';
import type { Image } from '../support/migration/machines.js';
import { expectReject } from '../support/refusals.js';
import { bordersOf, SMALL_PAGE as PAGE, restored, SavedMachine } from '../support/save-states/states.js';

/** A chain, and for each state where it ends and what it is. */
interface Chain {
  readonly bytes: Uint8Array;
  readonly ends: readonly number[];
  readonly images: readonly Image[];
}

async function saveFour(compress: boolean): Promise<Chain> {
  const machine = new SavedMachine();
  const store = memoryStore();
  const chain = await beginChain(machine, store, { compress });
  const ends: number[] = [];
  const images: Image[] = [];
  machine.plug('ram', 20);
  const dimm = machine.plug('dimm', 10, 100 * PAGE);
  for (let n = 1; n <= 4; n++) {
    machine.fill(2 * PAGE + n, n);
    machine.fill(10 * PAGE + 60, n, n, n, n, n, n, n, n);
    if (n === 2) machine.store(101 * PAGE, 5);
    if (n === 3) await machine.unplug(dimm);
    if (n === 4) machine.fill(2 * PAGE, 0, 0, 0, 0, 0);
    machine.devices = new Uint8Array(40).fill(n);
    await chain.save();
    ends.push(chain.bytes);
    images.push(machine.image());
  }
  return { bytes: store.bytes, ends, images };
}

for (const compress of [false, true]) {
  describe(`A chain of states${compress ? ', compressed,' : ''}`, () => {
    const define = compress ? itLong : it;
    let chain: Chain;
    before(async () => {
      chain = await saveFour(compress);
    });

    define('cut at any byte restores to its last whole state', async () => {
      const { bytes, ends, images } = chain;
      expect(bytes.length).to.be.greaterThan(1000);
      const borders = bordersOf(bytes);
      expect(borders.at(-1)).to.equal(bytes.length);
      for (let length = 0; length <= bytes.length; length++) {
        const whole = ends.filter((end) => end <= length).length;
        const store = memoryStore(bytes.slice(0, length));
        if (whole === 0) {
          const what = length === 0 ? 'the store is empty' : 'no whole state';
          await expectReject(() => restored(store), SaveStateError, what);
          continue;
        }
        const end = ends.includes(length) ? 'complete' : 'cut';
        expect(await restored(store), `${length} bytes`).to.deep.equal({
          image: images[whole - 1],
          sequence: whole - 1,
          end,
        });
      }
    });

    define('of which any byte has changed restores to the state before, or to none', async () => {
      const { bytes, ends, images } = chain;
      for (let at = 0; at < bytes.length; at++) {
        const changed = bytes.slice();
        changed[at]! ^= 1 << (at & 7);
        const whole = ends.filter((end) => end <= at).length;
        const store = memoryStore(changed);
        if (whole === 0) {
          await expectReject(() => restored(store), SaveStateError);
          continue;
        }
        const { end, ...rest } = await restored(store);
        expect(rest, `byte ${at}`).to.deep.equal({ image: images[whole - 1], sequence: whole - 1 });
        expect(end).to.be.oneOf(['cut', 'damaged']);
      }
    });

    define('goes on from wherever it was cut, and nothing is left of what was', async () => {
      const { bytes, ends, images } = chain;
      for (let length = ends[0]!; length < bytes.length; length += 7) {
        const store = memoryStore(bytes.slice(0, length));
        const machine = new SavedMachine();
        const next = await continueChain(machine.arriving, store);
        const { sequence } = next.restored!;
        expect(machine.image()).to.deep.equal(images[sequence]);
        machine.store(3 * PAGE, 99);
        await next.save();
        expect(await restored(store)).to.deep.equal({
          image: machine.image(),
          sequence: sequence + 1,
          end: 'complete',
        });
        await machine.memory.close();
      }
    });

    define('ends where the records of another chain, or of another time of this one, follow', async () => {
      const { bytes, ends, images } = chain;
      const other = await saveFour(compress);
      const [first, second] = [ends[0]!, ends[1]!];
      // The same machine with the same stores makes the same chain: another one begins otherwise.
      expect(Buffer.compare(other.bytes, bytes)).to.equal(0);
      const mixed = (...parts: Uint8Array[]) => memoryStore(new Uint8Array(Buffer.concat(parts)));
      const left = [
        mixed(bytes.subarray(0, first), bytes.subarray(second)),
        mixed(bytes.subarray(0, first), bytes.subarray(0, first), bytes.subarray(first)),
      ];
      for (const store of left) {
        expect(await restored(store)).to.deep.equal({ image: images[0], sequence: 0, end: 'damaged' });
      }
    });
  });
}

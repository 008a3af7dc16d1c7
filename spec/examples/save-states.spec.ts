/** The chain of the example, with failures at every place. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { MIGRATION } from '../../lib/index.js';
import { foreignVcpu, reportUntil } from '../support/engines.js';
import { expectReject } from '../support/refusals.js';
import { restore, SaveStates } from './save-states-chain.mjs';
import { type State, statePath } from './save-states-file.mjs';
import { PAGE, restored, SavedMachine } from './saved-machine.js';
import { imageAt } from './saved-stores.js';

describe('A chain of save states', () => {
  let folder: string;
  let machine: SavedMachine;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'dirtymem-states-'));
    machine = new SavedMachine(folder);
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  it('Firecracker #5705: clean heads and tails, zeroes, and blocks that touch: each byte is where it was', async () => {
    machine.plug('low', 70, 0);
    machine.plug('touching', 3, 70);
    machine.plug('beyond a gap', 130, 200);
    machine.store(69 * PAGE + 60, 1, 2, 3, 4);
    machine.store(70 * PAGE, 5);
    await machine.saver.save();
    const places = [0, 1, 63, 64, 69 * PAGE + 63, 70 * PAGE, 72 * PAGE, 200 * PAGE, 263 * PAGE + 63, 329 * PAGE + 63];
    for (const addr of places) {
      machine.store(addr, 9);
      const { runs, contents } = await machine.saver.save();
      expect(runs).to.deep.equal([{ start: addr - (addr % PAGE), length: PAGE, zero: false }]);
      expect(contents.length).to.equal(1);
    }
    expect(await restored(folder)).to.deep.equal({ image: machine.image, states: 11, end: 'missing' });
  });

  it('pages that are larger than what is written at a time are there whole', async () => {
    const pageSize = 2 ** 21;
    machine = new SavedMachine(folder, { pageSize });
    machine.plug('dimm', (3 * pageSize) / PAGE);
    const addrs = [pageSize - 1, 2 * pageSize, 3 * pageSize - 1];
    for (const addr of addrs) machine.store(addr, 9);
    await machine.saver.save();
    const { bytes } = (await restore(folder)).blocks[0]!;
    expect(bytes.length).to.equal(3 * pageSize);
    expect(addrs.map((addr) => bytes[addr])).to.deep.equal([9, 9, 9]);
    expect(Buffer.compare(bytes, machine.contents.get('dimm')!)).to.equal(0);
  });

  it('a page that has turned to zeroes is zeroes again; zeroes have no contents', async () => {
    machine.plug('dimm', 100);
    machine.store(50 * PAGE, 1);
    machine.store(51 * PAGE, 2);
    const { runs } = await machine.saver.save();
    expect(runs.map(({ zero }) => zero)).to.deep.equal([true, false, true]);
    machine.store(51 * PAGE, 0);
    expect((await machine.saver.save()).contents).to.deep.equal([]);
    expect((await restored(folder)).image).to.deep.equal(machine.image);
  });

  it('QEMU 9c1f8f44: RAM plugged since is saved whole; of RAM that is gone nothing is left in its place', async () => {
    machine.plug('dimm0', 10, 0);
    const dimm1 = machine.plug('dimm1', 10, 10);
    machine.store(12 * PAGE, 1, 2, 3);
    await machine.saver.save();
    await machine.unplug(dimm1);
    await machine.saver.save();
    expect((await restored(folder)).image).to.deep.equal(machine.image);
    machine.plug('dimm1', 10, 10);
    machine.plug('dimm2', 10, 100);
    await machine.saver.save();
    expect((await restored(folder)).image).to.deep.equal(machine.image);
  });

  it('a file that is cut off at any byte does not count, nor does what follows it', async () => {
    const images = [await saveSome(), await saveSome(), await saveSome()];
    const path = statePath(folder, 1);
    const whole = readFileSync(path);
    for (let length = 0; length < whole.length; length++) {
      writeFileSync(path, whole.subarray(0, length));
      expect(await restored(folder)).to.deep.equal({ image: images[0], states: 1, end: 'torn' });
    }
    writeFileSync(path, whole);
    expect(await restored(folder)).to.deep.equal({ image: images[2], states: 3, end: 'missing' });
  });

  it('nor does one of which any byte has changed', async () => {
    const images = [await saveSome(), await saveSome()];
    const path = statePath(folder, 1);
    const whole = readFileSync(path);
    for (let at = 0; at < whole.length; at++) {
      const changed = Buffer.from(whole);
      changed[at]! ^= 1 << (at & 7);
      writeFileSync(path, changed);
      expect(await restored(folder)).to.deep.equal({ image: images[0], states: 1, end: 'torn' });
    }
  });

  /** A file with a right digest, whatever is in it. */
  function forge(sequence: number, header: Buffer, length = header.length, contents = Buffer.alloc(0)): void {
    const size = Buffer.alloc(4);
    size.writeUInt32LE(length);
    const body = Buffer.concat([Buffer.from('dirtymem save state, version 1\n'), size, header, contents]);
    const end = Buffer.alloc(8);
    end.writeBigUInt64LE(BigInt(body.length));
    writeFileSync(statePath(folder, sequence), Buffer.concat([body, end, createHash('sha256').update(body).digest()]));
  }

  it('with a right digest, but a header that no save has written, is refused before anything is allocated', async () => {
    const block = { id: 'dimm', offset: 64, size: 128 };
    const header = { sequence: 0, parent: null, pageSize: 64, blocks: [block], runs: [] as unknown[] };
    const zeroes = { start: 64, length: 128, zero: true };
    const forged = (changes: object): void => forge(0, Buffer.from(JSON.stringify({ ...header, ...changes })));
    forged({ runs: [zeroes] });
    expect((await restore(folder)).blocks[0]?.bytes).to.deep.equal(new Uint8Array(128));

    for (const length of [2 ** 32 - 1, 3]) {
      forge(0, Buffer.from('{}'), length);
      await expectReject(() => restore(folder), Error, `a header of ${length} bytes, where there are 2`);
    }
    const changed: readonly [changes: object, part: string][] = [
      [{ pageSize: 0 }, 'pageSize cannot be 0'],
      [{ blocks: null }, 'blocks cannot be null'],
      [{ blocks: [null] }, 'a block cannot be null'],
      [{ blocks: [{ ...block, size: -64 }] }, 'a block cannot be {"id":"dimm","offset":64,"size":-64}'],
      [{ blocks: [block, block] }, 'a block cannot be'],
      [{ blocks: [{ ...block, size: 2 ** 53 }] }, 'a block cannot be'],
      [{ blocks: [{ ...block, size: 2 ** 40 }] }, 'more RAM than maxRamBytes'],
      [{ runs: [null] }, 'a run cannot be null'],
      [{ runs: [{ ...zeroes, length: -64 }] }, 'a run cannot be {"start":64,"length":-64,"zero":true}'],
      [{ runs: [{ ...zeroes, start: 0 }] }, 'a run cannot be'],
      [{ runs: [{ ...zeroes, length: 192 }] }, 'a run cannot be'],
      [{ runs: [{ ...zeroes, zero: 'no' }] }, 'a run cannot be'],
      [{ runs: [{ ...zeroes, zero: false }] }, '0 bytes of contents, for runs cannot be 128'],
    ];
    for (const [changes, part] of changed) {
      forged(changes);
      await expectReject(() => restore(folder), Error, part);
    }
    forge(0, Buffer.from('null'));
    await expectReject(() => restore(folder), Error, 'pageSize cannot be');
  });

  it('a missing state ends the chain, whatever follows', async () => {
    const images = [await saveSome(), await saveSome(), await saveSome()];
    rmSync(statePath(folder, 1));
    expect(await restored(folder)).to.deep.equal({ image: images[0], states: 1, end: 'missing' });
  });

  it('a state of another chain, or of another time of this one, is not applied', async () => {
    const images = [await saveSome(), await saveSome()];
    const other = mkdtempSync(join(tmpdir(), 'dirtymem-states-'));
    const twin = new SavedMachine(other, { next: { sequence: 1, parent: '0'.repeat(64) } });
    twin.plug('dimm', 20);
    await twin.saver.save();
    copyFileSync(statePath(other, 1), statePath(folder, 1));
    rmSync(other, { recursive: true });
    expect(await restored(folder)).to.deep.equal({ image: images[0], states: 1, end: 'another chain' });
  });

  it('goes on after a restore, and leaves behind what came after the state that was restored', async () => {
    const images = [await saveSome(), await saveSome(), await saveSome()];
    const late = readFileSync(statePath(folder, 2));
    rmSync(statePath(folder, 2));
    const { blocks, next } = await restore(folder);
    const again = new SavedMachine(folder, { next });
    for (const { id, size, bytes } of blocks) {
      again.plug(id, size / PAGE);
      again.contents.get(id)!.set(bytes);
    }
    again.memory.whileStopped.harvest(MIGRATION).set.dispose(); // it is as the chain has it
    expect(again.image).to.deep.equal(images[1]);
    again.store(7 * PAGE, 77);
    expect((await again.saver.save()).runs).to.deep.equal([{ start: 7 * PAGE, length: PAGE, zero: false }]);
    expect(await restored(folder)).to.deep.equal({ image: again.image, states: 3, end: 'missing' });
    writeFileSync(statePath(folder, 3), late);
    expect(await restored(folder)).to.deep.equal({ image: again.image, states: 3, end: 'another chain' });
  });

  /** Forgets, when a save fails, what it should have saved. */
  class Forgetful extends SaveStates {
    override async save(): Promise<State> {
      try {
        return await super.save();
      } catch (error) {
        this.unsaved.dispose();
        this.unsaved = this.memory.createPageSet();
        throw error;
      }
    }
  }

  for (const saver of [SaveStates, Forgetful]) {
    const forgetful = saver === Forgetful;
    describe(forgetful ? 'whose saver forgets what a failed save had' : 'of which a save fails', () => {
      beforeEach(async () => {
        machine = new SavedMachine(folder, { saver });
        await saveSome();
        machine.store(3 * PAGE, 33);
        machine.store(5 * PAGE, 55);
      });

      async function saveAfterFailure(): Promise<void> {
        const before = await restored(folder);
        expect(before.end, 'nothing of it has its name').to.equal('missing');
        machine.spoil = (state) => state;
        machine.store(6 * PAGE, 66);
        await machine.saver.save();
        const { image, states } = await restored(folder);
        expect(states).to.equal(before.states + 1);
        if (forgetful) expect(image).to.not.deep.equal(machine.image);
        else expect(image).to.deep.equal(machine.image);
      }

      const lost = forgetful ? 'its pages are lost' : 'Firecracker #4545: its pages are in the next';

      for (const part of [0, 1]) {
        it(`at part ${part} of the contents: ${lost}`, async () => {
          const unreadable = undefined as unknown as Uint8Array;
          machine.spoil = (state) => ({ ...state, contents: state.contents.with(part, unreadable) });
          await expectReject(() => machine.saver.save(), TypeError);
          expect(statSync(`${statePath(folder, 1)}.part`).size).to.be.greaterThan(0);
          await saveAfterFailure();
        });
      }

      it(`because the disk is full: ${lost}`, async function () {
        if (!existsSync('/dev/full')) return this.skip();
        const part = `${statePath(folder, 1)}.part`;
        symlinkSync('/dev/full', part);
        await expectReject(() => machine.saver.save(), Error, 'ENOSPC');
        rmSync(part);
        await saveAfterFailure();
      });

      it(`before a byte of it is written: ${lost}`, async () => {
        machine.spoil = () => {
          throw new RangeError('no memory for the copy');
        };
        await expectReject(() => machine.saver.save(), RangeError);
        await saveAfterFailure();
      });
    });
  }

  it('what was unsaved of RAM that is gone by the next save is not in it', async () => {
    const dimm = machine.plug('dimm', 10, 20);
    machine.plug('other', 10, 50);
    machine.spoil = () => {
      throw new RangeError('full');
    };
    await expectReject(() => machine.saver.save(), RangeError);
    machine.spoil = (state) => state;
    await machine.unplug(dimm);
    expect((await machine.saver.save()).runs).to.deep.equal([{ start: 50 * PAGE, length: 10 * PAGE, zero: true }]);
    expect((await restored(folder)).image).to.deep.equal(machine.image);
  });

  it('of a process that is killed in the midst of it has every state that was reported', async () => {
    const program = fileURLToPath(new URL('./saving-process.ts', import.meta.url));
    const register = new URL('../../scripts/register.mjs', import.meta.url).href;
    let reported = -1;
    for (const states of [3, 1, 5]) {
      const child = spawn(process.execPath, ['--import', register, program, folder], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const closed = once(child, 'close');
      const until = reported + states;
      for await (const line of createInterface(child.stdout)) {
        reported = Number(line);
        if (reported >= until) child.kill('SIGKILL');
      }
      expect(await closed).to.deep.equal([null, 'SIGKILL']);
      const { blocks, next } = await restore(folder);
      expect(next.sequence).to.be.within(reported + 1, reported + 2);
      expect(Buffer.compare(blocks[0]!.bytes, imageAt(next.sequence - 1))).to.equal(0);
    }
  });

  it('is written by one save at a time', async () => {
    machine.plug('dimm', 10);
    const first = machine.saver.save();
    await expectReject(() => machine.saver.save(), Error, 'under way');
    await first;
    expect((await restored(folder)).states).to.equal(1);
  });

  it('holds moments because the vCPUs are stopped: pages copied after a live harvest are of several', async () => {
    const block = machine.plug('dimm', 10);
    const [first, second] = [block.offset, block.offset + 5 * PAGE];
    const vcpu = foreignVcpu(machine.memory);
    const guest = machine.contents.get('dimm')!;
    const storeToBoth = (value: number): void => {
      for (const addr of [first, second]) {
        vcpu.mark(addr);
        guest[addr - block.offset] = value;
      }
      vcpu.quiescent();
    };
    storeToBoth(1);
    const { set } = await reportUntil(vcpu, machine.memory.harvest(MIGRATION));
    expect(set.has(first, 1) && set.has(second, 1)).to.equal(true);
    const copy = [guest[first - block.offset]];
    storeToBoth(2);
    copy.push(guest[second - block.offset]);
    expect(copy, 'the second was never ahead').to.deep.equal([1, 2]);
    expect(machine.memory.isDirty(first, 1, MIGRATION), 'and is collected again').to.equal(true);
    vcpu.detach();
  });

  /** @returns what was saved */
  async function saveSome(): Promise<Record<string, number[]>> {
    if (machine.contents.size === 0) machine.plug('dimm', 20);
    const n = (await restored(folder)).states + 1;
    machine.store(2 * PAGE + n, n);
    machine.store(10 * PAGE + 60, n, n, n, n, n, n, n, n);
    await machine.saver.save();
    return machine.image;
  }
});

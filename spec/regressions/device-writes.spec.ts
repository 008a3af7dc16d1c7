/**
 * Writes of devices that were not in the dirty log, or came into it too early (Firecracker #1997). A pipe stands for the
 * disk: a read of it ends when the spec lets it.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { expect } from 'chai';
import { type DirtyMemory, GracePeriodTimeout, MIGRATION, type RamBlock } from '../../lib/index.js';
import type { Vcpu } from '../../lib/vcpu.js';
import { cleanAll, foreignVcpu, PAGE, pagesOf, reportUntil, smallEngine } from '../support/engines.js';
import { track, turns } from '../support/promises.js';
import { expectReject } from '../support/refusals.js';

const ALL = 7;

describe("regressions: a device's writes (Firecracker #1997)", () => {
  let folder: string;
  let disk: FileHandle;
  let memory: DirtyMemory;
  let dimm: RamBlock;
  let device: Vcpu;
  let guest: Uint8Array;
  let replica: Uint8Array;
  /** What a guest asks a disk for: four pages from the third on. */
  let request: { start: number; length: number };

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'dirtymem-device-'));
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    disk = await open(pipe, 'r+');
    memory = smallEngine();
    dimm = memory.ram.plug({ id: 'dimm', size: 16 * PAGE, offset: 64 * PAGE });
    guest = new Uint8Array(new SharedArrayBuffer(dimm.size));
    replica = new Uint8Array(dimm.size);
    request = { start: dimm.offset + 3 * PAGE, length: 4 * PAGE };
    cleanAll(memory);
    device = foreignVcpu(memory, 'disk');
    device.goOffline();
  });

  afterEach(async () => {
    device.detach();
    await disk.close();
    rmSync(folder, { recursive: true });
  });

  const buffer = (): Uint8Array => guest.subarray(3 * PAGE, 7 * PAGE);

  /** Stores to guest RAM from a thread of Node's, some time after `complete`. */
  const read = (): Promise<unknown> => disk.read(buffer(), 0, request.length, null);
  const complete = (): Promise<unknown> => disk.write(new Uint8Array(request.length).fill(9));

  const mark = (): void => {
    device.goOnline();
    device.markRange(request.start, request.length, ALL);
    device.goOffline();
  };

  const copyDirtyPages = async (): Promise<number[]> => {
    const { set } = await memory.harvest(MIGRATION);
    for (const { start, length } of set.runs()) {
      const from = start - dimm.offset;
      replica.set(guest.subarray(from, from + length), from);
    }
    return pagesOf(set);
  };

  it('marked when a file read is asked for, its pages are collected before they are stored, and lost', async () => {
    mark();
    const done = read();
    expect(await copyDirtyPages()).to.deep.equal([67, 68, 69, 70]);
    await complete();
    await done;
    expect(await copyDirtyPages()).to.deep.equal([]);
    expect(replica).to.not.deep.equal(guest);
  });

  it('marked when it has completed, they are collected with what was stored', async () => {
    const done = read().then(mark);
    expect(await copyDirtyPages()).to.deep.equal([]);
    await complete();
    await done;
    expect(await copyDirtyPages()).to.deep.equal([67, 68, 69, 70]);
    expect(replica).to.deep.equal(guest);
  });

  it('a collection between completion and mark loses nothing: the next one has the pages', async () => {
    const done = read();
    await complete();
    await done;
    expect(await copyDirtyPages()).to.deep.equal([]);
    mark();
    expect(await copyDirtyPages()).to.deep.equal([67, 68, 69, 70]);
    expect(replica).to.deep.equal(guest);
  });

  it('a device that stays online while it reads holds a harvest up, one that is offline does not', async () => {
    memory.setDirty(dimm.offset, MIGRATION);
    device.goOnline();
    const done = read();
    await expectReject(() => memory.harvest(MIGRATION, { timeoutMs: 5 }), GracePeriodTimeout, "'disk'");
    device.goOffline();
    expect(await copyDirtyPages()).to.deep.equal([64]);
    await complete();
    await done;
  });

  it('offline(read) is the same for one read at a time: online again with its end', async () => {
    device.goOnline();
    const done = device.offline(read).then(() => device.markRange(request.start, request.length, ALL));
    memory.setDirty(dimm.offset, MIGRATION);
    expect(await copyDirtyPages()).to.deep.equal([64]);
    await complete();
    await done;
    device.goOffline();
    expect(await copyDirtyPages()).to.deep.equal([67, 68, 69, 70]);
    expect(replica).to.deep.equal(guest);
  });

  it('a thread that is killed while it reads ends after the read has stored; the owner marks for it', async () => {
    const code = `
      const { parentPort, workerData } = require('node:worker_threads');
      const { read, stat } = require('node:fs');
      read(workerData.fd, workerData.buffer, 0, workerData.buffer.length, null, () => parentPort.postMessage('completed'));
      stat('/', () => { // whose turn comes after the read's, which now cannot be cancelled any more
        parentPort.postMessage('reading');
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0); // until it is killed
      });`;
    const worker = new Worker(code, { eval: true, workerData: { fd: disk.fd, buffer: buffer() } });
    const said: string[] = [];
    await new Promise<void>((resolve) => worker.on('message', (message) => resolve(void said.push(message))));
    const ended = worker.terminate();
    const state = track(ended);
    await turns(100);
    expect(state.settled, 'ended before the read').to.equal(false);
    await complete();
    await ended;
    expect(said).to.deep.equal(['reading']);
    expect(buffer().every((byte) => byte === 9)).to.equal(true);
    expect(await copyDirtyPages()).to.deep.equal([]);

    memory.setDirtyRange(request.start, request.length, ALL);
    expect(await copyDirtyPages()).to.deep.equal([67, 68, 69, 70]);
    expect(replica).to.deep.equal(guest);
  });

  it('a long transfer that reports after each chunk lets a harvest end in its midst; no chunk is lost', async () => {
    device.goOnline();
    const transfer = function* (): Generator<void> {
      for (let page = 0; page < 16; page++) {
        device.markRange(dimm.offset + page * PAGE, PAGE, ALL);
        guest.fill(page + 1, page * PAGE, (page + 1) * PAGE);
        device.quiescent();
        yield;
      }
    };
    const chunks = transfer();
    for (let i = 0; i < 5; i++) chunks.next();
    const harvested = copyDirtyPages();
    const state = track(harvested);
    await turns();
    expect(state.settled).to.equal(false);
    chunks.next();
    expect(await harvested).to.deep.equal([64, 65, 66, 67, 68]);
    for (const _ of chunks);
    await reportUntil(device, copyDirtyPages());
    expect(replica).to.deep.equal(guest);
    device.goOffline();
  });
});

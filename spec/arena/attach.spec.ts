import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import { expect } from 'chai';
import { Arena, type ArenaHandle } from '../../lib/arena/arena.js';
import { Header, VERSION } from '../../lib/arena/layout.js';
import { UsageError, VGA } from '../../lib/index.js';
import { attachVcpu } from '../../lib/vcpu.js';
import { PAGE, smallEngine } from '../support/engines.js';
import { expectThrow } from '../support/refusals.js';

const shared = (pages: number): WebAssembly.Memory =>
  new WebAssembly.Memory({ initial: pages, maximum: pages || 1, shared: true });

function expectRefused(
  handle: unknown,
  type: typeof RangeError | typeof UsageError,
  ...parts: (string | number)[]
): void {
  expectThrow(() => attachVcpu(handle as ArenaHandle), type, 'attachVcpu', ...parts);
}

describe('an engine handle', () => {
  it('survives structured clone, and is plain data', () => {
    const memory = smallEngine({ memory: shared(4), byteOffset: 4096 });
    memory.ram.plug({ id: 'ram', size: 2 * PAGE });
    memory.whileStopped.harvest(VGA);
    const copy = structuredClone(memory.handle);
    expect(Object.keys(copy).sort()).to.deep.equal(['byteOffset', 'dirtymem', 'engine', 'memory']);
    attachVcpu(copy).mark(PAGE);
    expect(memory.isDirty(PAGE, PAGE, VGA)).to.equal(true);
  });

  it('survives a message port', () => {
    const memory = smallEngine();
    memory.ram.plug({ id: 'ram', size: 2 * PAGE });
    memory.whileStopped.harvest(VGA);
    const { port1, port2 } = new MessageChannel();
    port1.postMessage({ dirty: memory.handle });
    const received = receiveMessageOnPort(port2)?.message as { dirty: ArenaHandle };
    attachVcpu(received.dirty).mark(0);
    expect(memory.isDirty(0, PAGE, VGA)).to.equal(true);
    port1.close();
  });

  it('carries the sizes that the engine was created with', () => {
    const memory = smallEngine({ pageSize: 1024, pagesPerBlock: 256, maxReaders: 7, debug: true });
    const { geometry, words } = Arena.attach('spec', structuredClone(memory.handle));
    expect(geometry).to.deep.equal({
      pageSize: 1024,
      pageShift: 10,
      pagesPerBlock: 256,
      blockShift: 8,
      blockWords: 8,
      maxReaders: 7,
      debug: true,
    });
    expect(words.length * 4).to.equal(memory.stats().arenaBytesReserved);
  });

  for (const shared of [undefined, true, false]) {
    it(`carries the buffer of events, shared as the memory is, and the owner alone records: ${shared}`, () => {
      const { arena, release } = Arena.create({ traceEvents: 64, ...(shared !== undefined && { shared }) });
      const { trace } = arena.handle;
      expect(trace instanceof SharedArrayBuffer).to.equal(shared !== false);
      expect(arena.trace?.buffer).to.equal(trace);
      expect(arena.recorder).not.to.equal(undefined);
      const attached = Arena.attach('spec', arena.handle);
      expect(attached.handle.trace).to.equal(trace);
      expect(attached.trace?.buffer).to.equal(trace);
      expect(attached.recorder).to.equal(undefined);
      release();
    });
  }
});

describe('attaching', () => {
  const { handle } = smallEngine();

  for (const none of [undefined, null, 5, 'handle', true]) {
    it(`is refused to ${String(none)}, which is no handle`, () => {
      expectRefused(none, TypeError, 'handle', String(none));
    });
  }

  it('is refused to an object that lacks any part of a handle', () => {
    expectRefused({}, TypeError, 'handle', 'memory.handle');
    expectRefused({ ...handle, memory: undefined }, TypeError, 'handle.memory', 'undefined');
    expectRefused({ ...handle, byteOffset: undefined }, TypeError, 'handle.byteOffset', 'undefined');
    expectRefused({ ...handle, dirtymem: '1' }, TypeError, 'handle.dirtymem', "'1'");
    expectRefused({ ...handle, engine: undefined }, TypeError, 'handle.engine', 'undefined');
  });

  it('is refused to a handle of another version', () => {
    expectRefused(
      { ...handle, dirtymem: VERSION + 1 },
      RangeError,
      'handle.dirtymem',
      VERSION + 1,
      `version ${VERSION}`,
    );
    expectRefused({ ...handle, dirtymem: 0 }, RangeError, 'handle.dirtymem', 0, `version ${VERSION}`);
  });

  it('is refused to a memory that is none, and to one that is another', () => {
    expectRefused({ ...handle, memory: handle.memory.buffer }, TypeError, 'handle.memory', 'WebAssembly.Memory');
    expectRefused({ ...handle, memory: new WebAssembly.Memory({ initial: 1 }) }, RangeError, 'magic');
    const forged = Object.create(WebAssembly.Memory.prototype, { buffer: { value: handle.memory.buffer } });
    expectRefused({ ...handle, memory: forged }, TypeError, 'handle.memory');
  });

  it('is refused to a copy in memory that other threads do not share, where marks would be lost', () => {
    const copy = new WebAssembly.Memory({ initial: handle.memory.buffer.byteLength / 65536 });
    new Uint8Array(copy.buffer).set(new Uint8Array(handle.memory.buffer));
    expectRefused({ ...handle, memory: copy }, TypeError, 'handle.memory', 'copy');
  });

  for (const byteOffset of [-64, 32, 1, 0.5, Number.NaN, 2 ** 40, 2 ** 53]) {
    it(`is refused at byteOffset ${byteOffset}`, () => {
      expectRefused({ ...handle, byteOffset }, RangeError, 'handle.byteOffset', byteOffset);
    });
  }

  it('is refused where there is no arena', () => {
    expectRefused({ ...handle, byteOffset: 64 }, RangeError, 'magic', 'not a dirtymem arena');
    expectRefused({ ...handle, memory: shared(1) }, RangeError, 'magic', 'not a dirtymem arena');
  });

  it('is refused to a memory that is too short for a header', () => {
    expectRefused({ ...handle, memory: shared(0) }, RangeError, 'handle.memory', 'at least 256 bytes');
  });

  const HEAP = 16 * (4 + 4 + 1 + 4 + 4);
  const changes: [title: string, word: number, value: number, ...parts: (string | number)[]][] = [
    ['of another version', Header.Version, VERSION + 1, 'version', VERSION + 1, VERSION],
    ['longer than its memory', Header.Length, 2 ** 18, 'length', 2 ** 18],
    ['of almost 2^32 words', Header.Length, -1, 'length', 2 ** 32 - 1],
    ['truncated within its slots', Header.Length, 100, 'length', 100],
    ['truncated behind its meters', Header.Length, HEAP, 'checksum'],
    ['with flags nobody knows', Header.Flags, 9, 'flags', 9],
    ['with a negative page shift', Header.PageShift, -1, 'page shift', -1],
    ['with too large a page shift', Header.PageShift, 31, 'page shift', 31],
    ['with too small a block shift', Header.BlockShift, 5, 'block shift', 5],
    ['with too large a block shift', Header.BlockShift, 31, 'block shift', 31],
    ['with blocks that do not fit', Header.BlockShift, 30, 'length'],
    ['with no reader slots', Header.MaxReaders, 0, 'reader slots', 0],
    ['with too many reader slots', Header.MaxReaders, 4097, 'reader slots', 4097],
    ['with another page size than it was created with', Header.PageShift, 13, 'checksum'],
    ['with another checksum', Header.Checksum, 5, 'checksum', 5],
  ];
  for (const [title, word, value, ...parts] of changes) {
    it(`is refused to an arena ${title}`, () => {
      const memory = smallEngine();
      new Int32Array(memory.handle.memory.buffer)[word] = value;
      expectRefused(memory.handle, RangeError, ...parts);
      expect(memory.stats().readersAttached).to.equal(0);
    });
  }

  it('is refused to the rest of an arena that was copied to a smaller memory', () => {
    const memory = smallEngine({ arenaBytes: 2 ** 17 });
    const small = shared(1);
    const bytes = new Uint8Array(memory.handle.memory.buffer, 0, 2 ** 16);
    new Uint8Array(small.buffer).set(bytes);
    expectRefused({ ...memory.handle, memory: small }, RangeError, 'length', 2 ** 15, 2 ** 14);
  });

  it('is refused to an arena that reaches past the end of its memory', () => {
    const memory = smallEngine({ memory: shared(2), byteOffset: 2 ** 16 });
    new Int32Array(memory.handle.memory.buffer, 2 ** 16)[Header.Length] = 2 ** 14 + 1;
    expectRefused(memory.handle, RangeError, 'length', 2 ** 14 + 1, `to ${2 ** 14}`);
  });

  it('is refused to a handle of an engine that another one has taken the place of', async () => {
    const memory = shared(4);
    const first = smallEngine({ memory });
    await first.close();
    const second = smallEngine({ memory });
    expectRefused(first.handle, UsageError, 'closed', 'another one was created in its place');
    attachVcpu(second.handle).detach();
  });

  it('is refused once the engine is closed', async () => {
    const memory = smallEngine();
    await memory.close();
    expectThrow(() => attachVcpu(memory.handle), UsageError, 'attachVcpu', 'closed');
  });
});

/** The memory of an engine's recorder. */
import { expect } from 'chai';
import { Arena } from '../../lib/arena/arena.js';
import { engineOf } from '../../lib/dirty-memory.js';
import { AddressSpaceError, type ArenaHandle, NoSharedMemoryError } from '../../lib/index.js';
import { Trace } from '../../lib/trace/index.js';
import { attachVcpu } from '../../lib/vcpu.js';
import { smallEngine } from '../support/engines.js';
import { expectThrow } from '../support/refusals.js';

const EVENTS = 64;
const LINE_BYTES = 64;
const traced = { traceEvents: EVENTS, maxReaders: 3 };

/** @returns the handle with another buffer of the recorder */
const withTrace = (handle: ArenaHandle, trace: unknown): ArenaHandle => ({ ...handle, trace }) as ArenaHandle;

describe('The memory of a recorder', () => {
  it('has a line, and for each reader and the owner a line and 16 bytes an event; it is of the engine’s own kind', () => {
    for (const shared of [true, false]) {
      const { trace } = smallEngine({ ...traced, shared }).handle;
      expect(trace).to.be.instanceOf(shared ? SharedArrayBuffer : ArrayBuffer);
      expect(trace?.byteLength).to.equal(LINE_BYTES + 4 * (LINE_BYTES + 16 * EVENTS));
      expect(new TextDecoder().decode(new Uint8Array(trace as ArrayBuffer).slice(0, 4))).to.equal('dmtr');
    }
  });

  it('begins each ring on a line of its own', () => {
    const buffer = engineOf(smallEngine(traced)).arena.trace;
    const heads = [0, 1, 2, 3].map((position) => (buffer?.ring(position).head ?? 0) * 4);
    expect(heads).to.deep.equal([0, 1, 2, 3].map((i) => LINE_BYTES + i * (LINE_BYTES + 16 * EVENTS)));
  });

  it('is handed on by an arena that was attached to', () => {
    const { handle } = smallEngine(traced);
    expect(Arena.attach('spec', handle).handle.trace).to.equal(handle.trace);
  });

  it('is refused where it is none, or not the one of this engine, or not whole', () => {
    const { handle } = smallEngine({ ...traced, shared: false });
    const right = new Int32Array(handle.trace as ArrayBuffer);
    const changed = (at: number, value: number): ArrayBuffer => {
      const copy = right.slice();
      copy[at] = value;
      return copy.buffer;
    };
    const refused = (trace: unknown, error: new (...args: never[]) => Error): void => {
      for (const open of [() => Trace.open(withTrace(handle, trace)), () => attachVcpu(withTrace(handle, trace))]) {
        expectThrow(open, error, 'handle.trace');
      }
    };
    for (const none of [null, 5, 'x', {}, right]) refused(none, TypeError);
    const bytes = right.byteLength;
    for (const length of [0, 3, 60, 64, bytes - 4, bytes - 1]) refused(right.buffer.slice(0, length), RangeError);
    const longer = new Uint8Array(bytes + 1);
    longer.set(new Uint8Array(right.buffer));
    refused(longer.buffer, RangeError);
    refused(changed(0, 0), RangeError);
    refused(changed(1, handle.engine + 1), RangeError);
    refused(changed(2, 2 * EVENTS), RangeError);
    refused(changed(3, 3), RangeError);
    expect(Trace.open(withTrace(handle, changed(1, handle.engine))).take()).to.be.an('array');
  });

  describe('where the memory is refused', () => {
    const taken = globalThis.SharedArrayBuffer;
    afterEach(() => {
      globalThis.SharedArrayBuffer = taken;
    });
    const memory = new WebAssembly.Memory({ initial: 4, maximum: 4, shared: true });

    it('says that the machine has no more room', () => {
      globalThis.SharedArrayBuffer = class {
        constructor() {
          throw new RangeError('Array buffer allocation failed');
        }
      } as unknown as typeof SharedArrayBuffer;
      expectThrow(() => smallEngine({ ...traced, memory }), AddressSpaceError, 'DirtyMemory.create');
    });

    it('says that there is no shared memory', () => {
      Reflect.deleteProperty(globalThis, 'SharedArrayBuffer');
      expectThrow(() => smallEngine(traced), NoSharedMemoryError, 'DirtyMemory.create');
    });
  });
});

describe('The time of an event', () => {
  const { hrtime } = process;
  const { now } = performance;
  let ms = 5;
  before(() => {
    process.hrtime = Object.assign(() => [100, 250], { bigint: hrtime.bigint }) as unknown as typeof hrtime;
    performance.now = () => ms;
  });
  after(() => {
    process.hrtime = hrtime;
    performance.now = now;
  });

  it('is counted from the creation of the engine, in milliseconds', () => {
    const memory = smallEngine(traced);
    const trace = Trace.open(memory.handle);
    const vcpu = attachVcpu(memory.handle);
    expect(trace.take().map(({ time }) => time)).to.deep.equal([0, 0]);
    ms += 1e6 + 0.5;
    vcpu.offline(() => {});
    vcpu.detach();
    for (const { time } of trace.take()) expect(time).to.be.closeTo(1e6 + 0.5, 1e-3);
    ms = 1;
    attachVcpu(memory.handle).detach();
    expect(
      trace.take().map(({ time }) => time),
      'a clock that goes back',
    ).to.deep.equal([0, 0, 0, 0]);
  });
});

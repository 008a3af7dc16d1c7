/**
 * The memory of an engine's recorder: a head, and a ring for each reader slot and for the owner (arena/trace-ring.ts). It
 * is a buffer of its own, apart from the arena, and exists only when `create` was told to record. The handle carries it
 * to other threads.
 */
import { isArrayBuffer, isSharedArrayBuffer } from '../base/brands.js';
import { AddressSpaceError, checkPowerOfTwo, outOfRange, wrongType } from '../base/errors.js';
import { commonClockOffset } from '../base/host.js';
import { EVENT_WORDS, Recorder, RingHead, type RingPlace } from './trace-ring.js';
import { Words } from './words.js';

const MAGIC = 0x72746d64; // the bytes 'dmtr' in memory order
/** Written once at creation, except `Paused`. */
const Head = {
  Magic: 0,
  EngineId: 1,
  /** Events a ring. */
  Capacity: 2,
  Rings: 3,
  /** Whether nothing is recorded now. */
  Paused: 4,
  /** When the engine was created, on the clock that all threads share: the two halves of a float64, in milliseconds. */
  Origin: 5,
  size: 16,
} as const;

const LEAST_EVENTS = 64;
const MOST_EVENTS = 2 ** 20;

/** @returns the buffer for a new engine's events. @throws RangeError, TypeError, AddressSpaceError */
export function createTraceBuffer(
  operation: string,
  events: number,
  maxReaders: number,
  shared: boolean,
): ArrayBuffer | SharedArrayBuffer {
  checkPowerOfTwo(operation, 'traceEvents', events, LEAST_EVENTS, MOST_EVENTS);
  const bytes = (Head.size + (maxReaders + 1) * ringWords(events)) * 4;
  try {
    return shared ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes);
  } catch (error) {
    throw new AddressSpaceError(operation, bytes, error);
  }
}

export class TraceBuffer {
  readonly buffer: ArrayBuffer | SharedArrayBuffer;
  /** How many readers there can be. */
  readonly readers: number;
  private readonly words: Words;
  private readonly capacity: number;

  private constructor(buffer: ArrayBuffer | SharedArrayBuffer, words: Words) {
    this.buffer = buffer;
    this.words = words;
    this.capacity = words.get(Head.Capacity);
    this.readers = words.get(Head.Rings) - 1;
  }

  /** Writes the head of a fresh buffer, which no other thread has yet, so plainly (DM-1). */
  static begin(
    buffer: ArrayBuffer | SharedArrayBuffer,
    engineId: number,
    events: number,
    maxReaders: number,
  ): TraceBuffer {
    const words = wordsOf(buffer);
    const origin = new Int32Array(new Float64Array([commonClockOffset() + performance.now()]).buffer);
    words.set(Head.EngineId, engineId);
    words.set(Head.Capacity, events);
    words.set(Head.Rings, maxReaders + 1);
    words.set(Head.Origin, origin[0] as number);
    words.set(Head.Origin + 1, origin[1] as number);
    words.set(Head.Magic, MAGIC);
    return new TraceBuffer(buffer, words);
  }

  /**
   * Any thread. Its head was written before the handle was sent, which orders it, so it is read plainly.
   * @throws TypeError, RangeError when `buffer` is not the one of this engine
   */
  static attach(operation: string, buffer: unknown, engineId: number): TraceBuffer {
    if (!isSharedArrayBuffer(buffer) && !isArrayBuffer(buffer)) {
      throw wrongType(operation, 'handle.trace', buffer, "the buffer of the owner's memory.handle");
    }
    const words = wordsOf(buffer);
    // NaN where the buffer has no room for a head
    const length = Head.size + words.get(Head.Rings) * ringWords(words.get(Head.Capacity));
    if (words.get(Head.Magic) !== MAGIC || buffer.byteLength !== length * 4 || words.get(Head.EngineId) !== engineId) {
      throw outOfRange(operation, 'handle.trace', `a buffer of ${buffer.byteLength} bytes`, "the engine's own");
    }
    return new TraceBuffer(buffer, words);
  }

  /** Whether nothing is recorded now. Plain, a hint: threads may still record what they are about to record. */
  get paused(): boolean {
    return this.words.get(Head.Paused) !== 0;
  }

  set paused(paused: boolean) {
    this.words.set(Head.Paused, paused ? 1 : 0);
  }

  /** @returns the ring of the reader in this position of the registry; `readers` is that of the owner's ring */
  ring(position: number): RingPlace {
    const { words, capacity } = this;
    return { words, head: Head.size + position * ringWords(capacity), capacity };
  }

  /** For the thread that the ring belongs to. */
  recorder(position: number): Recorder {
    const { words } = this;
    const halves = new Int32Array([words.get(Head.Origin), words.get(Head.Origin + 1)]);
    const offset = commonClockOffset() - (new Float64Array(halves.buffer)[0] as number);
    return new Recorder(this.ring(position), {
      get running() {
        return words.get(Head.Paused) === 0; // a hint
      },
      now: () => Math.max(0, Math.round((performance.now() + offset) * 1e6)),
    });
  }
}

function ringWords(capacity: number): number {
  return RingHead.size + capacity * EVENT_WORDS;
}

function wordsOf(buffer: ArrayBuffer | SharedArrayBuffer): Words {
  return new Words(buffer, 0, Math.floor(buffer.byteLength / 4));
}

/** Reads what an engine records, on any thread that has the engine's handle. */
import type { ArenaHandle } from '../arena/arena.js';
import { TraceBuffer } from '../arena/trace-buffer.js';
import { Kind } from '../arena/trace-kinds.js';
import { type RawEvent, RingReader } from '../arena/trace-ring.js';
import { UsageError, wrongType } from '../base/errors.js';
import { decode, type TraceEvent } from './events.js';

/**
 * Takes the events of an engine that was created with `traceEvents`. Any thread may have one, and several may: each gets
 * all events. It reads memory that the engine's threads write to, and neither waits for them nor delays them. It can be
 * read after the engine was closed, too.
 */
export class Trace {
  private readonly buffer: TraceBuffer;
  private readonly rings: readonly Ring[];

  private constructor(buffer: TraceBuffer) {
    this.buffer = buffer;
    const readers = Array.from(
      { length: buffer.readers },
      (_, slot) => new Ring(new RingReader(buffer.ring(slot)), slot),
    );
    // The owner's first: where its events say that a period has ended, those of readers say who has reported to it.
    this.rings = [new Ring(new RingReader(buffer.ring(buffer.readers)), undefined), ...readers];
  }

  /**
   * @param handle the owner's `memory.handle`
   * @throws TypeError, RangeError when it is no handle; UsageError when the engine records nothing
   */
  static open(handle: ArenaHandle): Trace {
    if (typeof handle !== 'object' || handle === null) throw wrongType('Trace.open', 'handle', handle, 'memory.handle');
    const { trace, engine } = handle;
    if (trace === undefined) {
      throw new UsageError('Trace.open: this engine records nothing; give DirtyMemory.create the option traceEvents');
    }
    return new Trace(TraceBuffer.attach('Trace.open', trace, engine));
  }

  /**
   * @returns the events that were recorded since the last call, or since the engine was created, in the order of time.
   *   A thread may be recording an event while this looks: then the next call returns it, with its time, which may be
   *   before that of the last event of this call
   */
  take(): TraceEvent[] {
    return this.rings.flatMap((ring) => ring.take()).sort((a, b) => a.time - b.time);
  }

  /** How many events were overwritten before this could take them: take more often, or record more `traceEvents`. */
  get lost(): number {
    return this.rings.reduce((lost, ring) => lost + ring.lost, 0);
  }

  /** Whether recording is paused, for all threads of the engine. */
  get paused(): boolean {
    return this.buffer.paused;
  }

  /**
   * Stops recording, so that nothing is overwritten while somebody looks. A thread may still record the event that it is
   * at.
   */
  pause(): void {
    this.buffer.paused = true;
  }

  /** Goes on recording. What happened meanwhile was not recorded. */
  resume(): void {
    this.buffer.paused = false;
  }
}

/** Whose events a ring has. Identity and name are filled in when they are known, also for events given out before. */
interface Tenant {
  name: string;
  readonly slot: number | undefined;
  identity: number | undefined;
}

/** Puts the events of one ring together, and knows whose they are. */
class Ring {
  private readonly reader: RingReader;
  private tenant: Tenant;
  /** How many events the ring had when the tenant attached; undefined while that is not known. */
  private since: number | undefined;
  /** The words of the name that is being read; undefined when its beginning is lost. */
  private name: number[] | undefined;

  constructor(reader: RingReader, slot: number | undefined) {
    this.reader = reader;
    this.tenant = nobody(slot);
  }

  get lost(): number {
    return this.reader.lost;
  }

  take(): TraceEvent[] {
    const { lost } = this;
    const raw = this.reader.take();
    if (this.lost > lost) this.startAnew(raw);
    const events: TraceEvent[] = [];
    for (const event of raw) {
      if (event.kind === Kind.Attach) this.tenant = nobody(this.tenant.slot);
      if (event.kind === Kind.Attach || event.kind === Kind.Tenant) this.identify(event);
      if (event.kind === Kind.Name) this.addToName(event);
      else if (event.kind !== Kind.Tenant) {
        events.push({ time: event.time / 1e6, thread: this.tenant, ...decode(event) });
      }
    }
    return events;
  }

  /** Events are lost, and who left and who came may be among them: who is there now says so again before long. */
  private startAnew(raw: readonly RawEvent[]): void {
    this.name = undefined;
    const first = raw.find(({ kind }) => kind === Kind.Attach || kind === Kind.Tenant);
    if (first?.kind === Kind.Tenant && first.b === this.since) return;
    this.tenant = nobody(this.tenant.slot);
    this.since = undefined;
  }

  private identify({ a, b }: RawEvent): void {
    this.tenant.identity = a;
    this.since = b;
    this.name = [];
  }

  private addToName({ a, b }: RawEvent): void {
    if (this.name === undefined) return;
    this.name.push(a, b);
    const bytes = new Uint8Array(new Uint32Array(this.name).buffer);
    const end = bytes.indexOf(0);
    this.tenant.name = new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
  }
}

/** The owner, or a reader that is not known yet. */
function nobody(slot: number | undefined): Tenant {
  return { name: slot === undefined ? 'owner' : '', slot, identity: undefined };
}

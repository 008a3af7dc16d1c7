/** Recorded events, as they are given out: each kind with its own fields, and the thread that recorded it. */
import { Kind, Offline, OPERATIONS, Published } from '../arena/trace-kinds.js';
import type { RawEvent } from '../arena/trace-ring.js';
import { wrongType } from '../base/errors.js';

/** A thread that records: the owner, or one tenant of a reader slot. */
export interface TraceThread {
  /** A reader's name; 'owner'; '' while it is not known, since its beginning was overwritten. */
  readonly name: string;
  /** A reader's position in the registry, 0 to maxReaders - 1; undefined for the owner. */
  readonly slot: number | undefined;
  /** A reader's identity; undefined for the owner, and while it is not known. */
  readonly identity: number | undefined;
}

/** Why a reader went offline: by its own call, to give way to other readers, because of its dirty-rate limit, to detach. */
export type OfflineReason = 'call' | 'give-way' | 'limit' | 'detach';
/** Why block tables were published: RAM came or went, dense blocks were swapped out, tracking began or ended. */
export type PublishReason = 'extend' | 'shrink' | 'swap' | 'track' | 'stop';
/** The operations that events name. */
export type TraceOperation = (typeof OPERATIONS)[number];

/** What a reader does. Between 'online' or 'report' and the next 'report' or 'offline' is an interval. */
export type ReaderEvent =
  | { readonly kind: 'attach' | 'detach' | 'section' | 'section-end' }
  /** An interval begins. `number` is the grace-period number that the reader has reported, `interval` the interval's. */
  | { readonly kind: 'online' | 'report'; readonly number: number; readonly interval: number }
  | { readonly kind: 'offline'; readonly why: OfflineReason };

/** What the owner does. */
export type OwnerEvent =
  | { readonly kind: 'publish'; readonly why: PublishReason; readonly clients: number }
  /** A grace period begins and ends. `period` counts them modulo 2^32; readers report `number`. */
  | { readonly kind: 'number' | 'complete'; readonly number: number; readonly period: number }
  /** The owner is about to sleep until the reader in `slot` has reported. `asks`: are other readers to give way? */
  | { readonly kind: 'sleep'; readonly slot: number; readonly asks: boolean }
  | { readonly kind: 'wait'; readonly operation: TraceOperation; readonly period: number }
  /** A collection has taken the bits of its client. */
  | { readonly kind: 'clear'; readonly operation: TraceOperation; readonly client: number }
  | { readonly kind: 'deliver'; readonly operation: TraceOperation; readonly client: number; readonly pages: number }
  /** A collection has failed; its bits go back when a grace period has ended. */
  | { readonly kind: 'give-back'; readonly operation: TraceOperation; readonly client: number }
  /** RAM has come or gone. `first` is a page number, and `pages` how many. 'free': the place may be used again. */
  | {
      readonly kind: 'plug' | 'unplug' | 'discard' | 'populate' | 'grow' | 'shrink' | 'free';
      readonly first: number;
      readonly pages: number;
    }
  /** Readers of a thread that is gone were retired. */
  | { readonly kind: 'retire'; readonly identity: number; readonly readers: number };

/** An event, when it happened, in milliseconds since the engine was created, and on which thread. */
export type TraceEvent = { readonly time: number; readonly thread: TraceThread } & (ReaderEvent | OwnerEvent);

const RAM_KINDS = {
  [Kind.Plug]: 'plug',
  [Kind.Unplug]: 'unplug',
  [Kind.Discard]: 'discard',
  [Kind.Populate]: 'populate',
  [Kind.Grow]: 'grow',
  [Kind.Shrink]: 'shrink',
  [Kind.Free]: 'free',
} as const;
const OFFLINE_REASONS: Readonly<Record<number, OfflineReason>> = {
  [Offline.Call]: 'call',
  [Offline.GiveWay]: 'give-way',
  [Offline.Limit]: 'limit',
  [Offline.Detach]: 'detach',
};
const PUBLISH_REASONS: Readonly<Record<number, PublishReason>> = {
  [Published.Extend]: 'extend',
  [Published.Shrink]: 'shrink',
  [Published.Swap]: 'swap',
  [Published.Track]: 'track',
  [Published.Stop]: 'stop',
};

const KINDS: ReadonlySet<unknown> = new Set<TraceEvent['kind']>([
  ...(['attach', 'detach', 'section', 'section-end', 'online', 'report', 'offline'] as const),
  ...(['publish', 'number', 'complete', 'sleep', 'wait', 'clear', 'deliver', 'give-back', 'retire'] as const),
  ...(['plug', 'unplug', 'discard', 'populate', 'grow', 'shrink', 'free'] as const),
]);

/** @throws TypeError unless these are events of `Trace.take` */
export function checkEvents(operation: string, events: unknown): readonly TraceEvent[] {
  const isEvent = (event: unknown): boolean => {
    if (typeof event !== 'object' || event === null) return false;
    const { time, thread, kind } = event as Partial<TraceEvent>;
    return Number.isFinite(time) && typeof thread === 'object' && thread !== null && KINDS.has(kind);
  };
  if (!Array.isArray(events)) throw wrongType(operation, 'events', events, 'an array of what Trace.take returned');
  for (let i = 0; i < events.length; i++) {
    if (!isEvent(events[i])) throw wrongType(operation, `events[${i}]`, events[i], 'an event of Trace.take');
  }
  return events;
}

/** @throws RangeError for an event of no known kind: the buffer was written over */
export function decode({ kind, a, b }: RawEvent): ReaderEvent | OwnerEvent {
  switch (kind) {
    case Kind.Attach:
      return { kind: 'attach' };
    case Kind.Detach:
      return { kind: 'detach' };
    case Kind.Online:
      return { kind: 'online', number: a, interval: b };
    case Kind.Report:
      return { kind: 'report', number: a, interval: b };
    case Kind.Offline:
      return { kind: 'offline', why: known(OFFLINE_REASONS[a], kind, a) };
    case Kind.Section:
      return { kind: 'section' };
    case Kind.SectionEnd:
      return { kind: 'section-end' };
    case Kind.Publish:
      return { kind: 'publish', why: known(PUBLISH_REASONS[a], kind, a), clients: b };
    case Kind.Number:
      return { kind: 'number', number: a, period: b };
    case Kind.Complete:
      return { kind: 'complete', number: a, period: b };
    case Kind.Sleep:
      return { kind: 'sleep', slot: a, asks: b !== 0 };
    case Kind.Wait:
      return { kind: 'wait', operation: known(OPERATIONS[a], kind, a), period: b };
    case Kind.Clear:
      return { kind: 'clear', ...collection(kind, a) };
    case Kind.Deliver:
      return { kind: 'deliver', ...collection(kind, a), pages: b };
    case Kind.GiveBack:
      return { kind: 'give-back', ...collection(kind, a) };
    case Kind.Retire:
      return { kind: 'retire', identity: a | 0, readers: b };
    default:
      return { kind: known(RAM_KINDS[kind as keyof typeof RAM_KINDS], kind, a), first: a, pages: b };
  }
}

function collection(kind: number, a: number): { operation: TraceOperation; client: number } {
  return { operation: known(OPERATIONS[a >>> 3], kind, a), client: a & 7 };
}

function known<T>(value: T | undefined, kind: number, a: number): T {
  if (value === undefined)
    throw new RangeError(`take: no event is of kind ${kind} with ${a}: the buffer was written over`);
  return value;
}

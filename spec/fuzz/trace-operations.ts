/** The operations of the door to traces, and what they may be given. */
import { DirtyMemory } from '../../lib/index.js';
import { chromeTrace, lanesOf, Trace } from '../../lib/trace/index.js';
import { type Domain, needed, oneOf, properties, size } from './argument-domains.js';
import { closedObjects, noObjects, objects, value } from './hostile-values.js';
import { operation, type PublicOperation } from './public-operation.js';
import type { World } from './world-arguments.js';

const { handle } = DirtyMemory.create({ maxRamBytes: 2 ** 20, traceEvents: 64 });
const things = [...noObjects, ...objects, ...closedObjects];

const traced = properties<World>(
  {
    trace: needed(
      oneOf<World>(() => handle.trace, things, [
        value('an empty buffer', () => new SharedArrayBuffer(0)),
        value('a buffer that is not of an engine', () => new SharedArrayBuffer(2 ** 16)),
        value('a copy of a part', () => (handle.trace as SharedArrayBuffer).slice(0, 64)),
        value('a proxy of the buffer', () => new Proxy(handle.trace as SharedArrayBuffer, {})),
      ]),
    ),
    engine: needed(size<World>(() => handle.engine, 0, 2 ** 31)),
  },
  ['trace', 'engine'],
);

const event = { time: 1, thread: { name: 'a', slot: 0, identity: 1 }, kind: 'detach' };
const events: Domain<World> = needed(
  oneOf<World>(
    () => [event],
    things.filter(({ title }) => title !== '[]'),
    [
      value('an array with null', () => [event, null]),
      value('an array with a hole', () => new Array(1)),
      value('an event without a thread', () => [{ ...event, thread: undefined }]),
      value('an event without a time', () => [{ ...event, time: NaN }]),
      value('an event of no kind', () => [{ ...event, kind: 'mark' }]),
    ],
  ),
);

export const traceOperations: Readonly<Record<string, PublicOperation>> = {
  'Trace.open': operation((_, h) => Trace.open(h), traced),
  'Trace.take': operation(() => Trace.open(handle).take()),
  'Trace.lost': operation(() => Trace.open(handle).lost),
  'Trace.paused': operation(() => Trace.open(handle).paused),
  'Trace.pause': operation(() => Trace.open(handle).pause()),
  'Trace.resume': operation(() => Trace.open(handle).resume()),
  lanesOf: operation((_, e) => lanesOf(e), events),
  chromeTrace: operation((_, e) => chromeTrace(e), events),
};

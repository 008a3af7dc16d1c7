import { expect } from 'chai';
import { chromeTrace, type Lanes, lanesOf, type TraceEvent, type TraceThread } from '../../lib/trace/index.js';

const OWNER: TraceThread = { name: 'owner', slot: undefined, identity: undefined };
const A: TraceThread = { name: 'a', slot: 0, identity: 5 };
const B: TraceThread = { name: 'b', slot: 3, identity: 6 };

type Happening = TraceEvent extends infer Event
  ? Event extends TraceEvent
    ? Omit<Event, 'time' | 'thread'>
    : never
  : never;

function at(time: number, thread: TraceThread, event: Happening): TraceEvent {
  return { time, thread, ...event } as TraceEvent;
}

/** Two readers, a period that waits for both, and one that waits for the one that is online. */
const EVENTS: readonly TraceEvent[] = [
  at(0, A, { kind: 'attach' }),
  at(0, A, { kind: 'online', number: 1, interval: 1 }),
  at(1, B, { kind: 'attach' }),
  at(1, B, { kind: 'online', number: 1, interval: 1 }),
  at(2, OWNER, { kind: 'clear', operation: 'harvest', client: 4 }),
  at(2, OWNER, { kind: 'number', number: 3, period: 1 }),
  at(3, A, { kind: 'report', number: 3, interval: 2 }),
  at(3, A, { kind: 'section' }),
  at(4, B, { kind: 'offline', why: 'call' }),
  at(5, OWNER, { kind: 'complete', number: 3, period: 1 }),
  at(5, OWNER, { kind: 'deliver', operation: 'harvest', client: 4, pages: 7 }),
  at(6, OWNER, { kind: 'number', number: 5, period: 2 }),
  at(7, A, { kind: 'section-end' }),
  at(7, A, { kind: 'report', number: 5, interval: 3 }),
  at(8, B, { kind: 'online', number: 5, interval: 2 }),
];

describe('Lanes', () => {
  it('have the spans of each reader, one after another', () => {
    const { lanes } = lanesOf(EVENTS);
    const spans = lanes.map(({ thread, spans }) => [
      thread,
      spans.map(({ what, from, to, number, why }) => [what, from, to, number ?? why]),
    ]);
    expect(spans).to.deep.equal([
      [
        A,
        [
          ['interval', 0, 3, 1],
          ['interval', 3, 7, 3],
          ['section', 3, 7, undefined],
          ['interval', 7, undefined, 5],
        ],
      ],
      [
        B,
        [
          ['interval', 1, 4, 1],
          ['offline', 4, 8, 'call'],
          ['interval', 8, undefined, 5],
        ],
      ],
    ]);
  });

  it('have the grace periods, and whom each has waited for', () => {
    const { periods } = lanesOf(EVENTS);
    expect(periods).to.deep.equal([
      {
        period: 1,
        number: 3,
        from: 2,
        to: 5,
        answers: [
          { thread: A, time: 3 },
          { thread: B, time: 4 },
        ],
      },
      { period: 2, number: 5, from: 6, to: undefined, answers: [{ thread: A, time: 7 }] },
    ]);
  });

  it('end where a reader detaches, or is retired, also in a section', () => {
    const ends = (lanes: Lanes): (number | undefined)[] =>
      lanes.lanes.flatMap(({ spans }) => spans.map(({ to }) => to));
    const section = at(9, A, { kind: 'section' });
    expect(ends(lanesOf([...EVENTS, section, at(10, A, { kind: 'detach' })]))).to.deep.equal([
      3,
      7,
      7,
      10,
      10,
      4,
      8,
      undefined,
    ]);
    const retired = at(10, OWNER, { kind: 'retire', identity: 5, readers: 1 });
    expect(ends(lanesOf([...EVENTS, section, retired]))).to.deep.equal([3, 7, 7, 10, 10, 4, 8, undefined]);
  });

  it('begin with what is there where the beginning is lost', () => {
    const { lanes, periods } = lanesOf(EVENTS.slice(7));
    expect(lanes.map(({ thread }) => thread.name)).to.deep.equal(['a', 'b']);
    expect(periods.map(({ period }) => period)).to.deep.equal([2]);
  });
});

describe('A trace for Perfetto', () => {
  const { traceEvents } = chromeTrace(EVENTS);
  const named = (name: string) => traceEvents.filter((entry) => entry.name === name);

  it('names a track for the owner, for the grace periods and for each slot', () => {
    const names = named('thread_name').map(({ tid, args }) => [tid, (args as { name: string }).name]);
    expect(names).to.deep.equal([
      [1, 'grace periods'],
      [2, 'owner'],
      [3, 'a'],
      [6, 'b'],
    ]);
    for (const { tid } of traceEvents) expect(names.map(([track]) => track)).to.include(tid);
  });

  it('has spans in microseconds, of which those that go on end with the last event', () => {
    const intervals = named('interval').map(({ ph, tid, ts, dur }) => [ph, tid, ts, dur]);
    expect(intervals).to.deep.equal([
      ['X', 3, 0, 3000],
      ['X', 3, 3000, 4000],
      ['X', 3, 7000, 1000],
      ['X', 6, 1000, 3000],
      ['X', 6, 8000, 0],
    ]);
    expect(named('grace period 1')[0]).to.include({ ph: 'X', tid: 1, ts: 2000, dur: 3000 });
    expect(named('offline (call)')[0]).to.include({ tid: 6, ts: 4000, dur: 4000 });
  });

  it('has spans of which each ends exactly where the next begins, though times have fractions', () => {
    for (const fraction of [0.1, 1 / 3, 0.7]) {
      const times = EVENTS.map(({ time }) => 1e6 + time * fraction);
      const shifted = chromeTrace(EVENTS.map((event, i) => ({ ...event, time: times[i] as number })));
      const ofB = shifted.traceEvents.filter(({ ph, tid }) => ph === 'X' && tid === 6);
      for (const [i, { ts, dur = 0 }] of ofB.entries()) {
        expect(ts).to.be.closeTo((times[[3, 8, 14][i] as number] as number) * 1000, 0.001);
        if (i < 2) expect(ts + dur).to.equal(ofB[i + 1]?.ts);
      }
      expect(ofB).to.have.length(3);
    }
  });

  it('has an arrow from each period to every report that it has waited for', () => {
    const arrows = new Map<number, unknown[]>();
    for (const { id = -1, ph, tid, ts } of named('report')) arrows.set(id, [...(arrows.get(id) ?? []), ph, tid, ts]);
    expect([...arrows.values()]).to.deep.equal([
      ['s', 1, 2000, 'f', 3, 3000],
      ['s', 1, 2000, 'f', 6, 4000],
      ['s', 1, 6000, 'f', 3, 7000],
    ]);
  });

  it('has all else as instants with what is known of them', () => {
    expect(named('deliver: harvest of MIGRATION')[0]).to.deep.include({
      ...{ ph: 'i', tid: 2, ts: 5000 },
      args: { operation: 'harvest', client: 4, pages: 7 },
    });
    expect(traceEvents.filter(({ ph }) => ph === 'i')).to.have.length(4);
  });
});

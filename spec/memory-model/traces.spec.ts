/**
 * TR-1 in the language's own memory model: a recorder that overwrites, against a thread that takes. The ring has room for
 * one event, and has one already, so that every way for the words of two events to mix is there. The shipped classes run on
 * the traced words.
 */
import { expect } from 'chai';
import { type Clock, EVENT_WORDS, Recorder, RingHead, RingReader } from '../../lib/arena/trace-ring.js';
import type { Words } from '../../lib/arena/words.js';
import type { Seen } from './checker/event.js';
import type { Litmus } from './checker/litmus.js';
import { describeInModels } from './judges.js';

const WORDS = ['kind', 'time', 'a', 'b'];
const LOCATIONS = {
  begun: RingHead.Begun,
  done: RingHead.Done,
  ...Object.fromEntries(WORDS.map((name, i) => [name, RingHead.size + i])),
};
const isWordOfEvent = (index: number): boolean => index >= RingHead.size;

/** All words of the first event are 1, and of the second 2. */
const SECOND: Clock = { running: true, now: () => 2 };

type View = (m: Words) => Words;
const asItIs: View = (m) => m;

function litmus(writer: View, reader: View): Litmus {
  const place = (words: Words) => ({ words, head: 0, capacity: 1 });
  return {
    locations: LOCATIONS,
    initial: new Map(Object.values(LOCATIONS).map((index) => [index, 1])),
    threads: {
      writer: (m) => {
        new Recorder(place(writer(m)), SECOND).note(2, 2, 2);
      },
      reader: (m) => {
        const ring = new RingReader(place(reader(m)));
        const [event] = ring.take();
        const { lost } = ring;
        return event === undefined ? { taken: 0, lost } : { taken: 1, lost, ...event };
      },
    },
  };
}

function isTorn({ taken, kind, time, a, b }: Seen): boolean {
  return taken === 1 && (kind === 0 || kind !== time || kind !== a || kind !== b);
}

/** `m`, but the words of events are accessed plainly. */
const plainly: View = (m) =>
  Object.assign(Object.create(m) as Words, {
    load: (index: number) => (isWordOfEvent(index) ? m.get(index) : m.load(index)),
    store: (index: number, value: number) => {
      if (isWordOfEvent(index)) m.set(index, value);
      else m.store(index, value);
    },
  });

describeInModels('TR-1: an event that is taken', ({ expectNever, expectWitness }) => {
  it('is whole', () => {
    const outcomes = expectNever(litmus(asItIs, asItIs), isTorn);
    for (const kind of [1, 2]) {
      expect(
        outcomes.find((seen) => seen.taken === 1 && seen.kind === kind),
        `event ${kind}`,
      ).to.not.equal(undefined);
    }
    expect(
      outcomes.find(({ taken, lost }) => taken === 0 && lost === 1),
      'found overwritten',
    ).to.not.equal(undefined);
  });

  it('broken, the words of events stored plainly: they are there before the event is counted as begun', () => {
    expectWitness(litmus(plainly, asItIs), isTorn);
  });

  it('broken, the words of events loaded plainly: they are loaded after the look whether one was begun', () => {
    expectWitness(litmus(asItIs, plainly), isTorn);
  });

  it('broken, without that look', () => {
    const withoutLook: View = (m) =>
      Object.assign(Object.create(m) as Words, {
        load: (index: number) => (index === RingHead.Begun ? 1 : m.load(index)),
      });
    expectWitness(litmus(asItIs, withoutLook), isTorn);
  });

  it('broken, an event that is counted as begun when its words are stored', () => {
    const countsLate: View = (m) => {
      let stored = 0;
      return Object.assign(Object.create(m) as Words, {
        store: (index: number, value: number) => {
          if (index === RingHead.Begun) return;
          m.store(index, value);
          if (isWordOfEvent(index) && ++stored === EVENT_WORDS) m.store(RingHead.Begun, 2);
        },
      });
    };
    expectWitness(litmus(countsLate, asItIs), isTorn);
  });
});

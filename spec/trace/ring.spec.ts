/** One thread's ring, without an engine. */
import { expect } from 'chai';
import { Kind, Offline, OPERATIONS, operationNumber, Published } from '../../lib/arena/trace-kinds.js';
import { EVENT_WORDS, type RawEvent, Recorder, RingHead, RingReader } from '../../lib/arena/trace-ring.js';
import { Words } from '../../lib/arena/words.js';

const CAPACITY = 32;
/** A name of 48 bytes takes six events, and saying who the reader is one more. */
const LONG_NAME = 'a name of forty-eight bytes, the most there may ';

describe('A ring of events', () => {
  let words: Words;
  let time: number;
  let recorder: Recorder;
  let reader: RingReader;
  beforeEach(() => ringAt(0));

  /** @param count how many events there were */
  function ringAt(count: number): void {
    const length = RingHead.size + CAPACITY * EVENT_WORDS;
    words = new Words(new ArrayBuffer(4 * length), 0, length);
    words.store(RingHead.Begun, count);
    words.store(RingHead.Done, count);
    time = 0;
    const place = { words, head: 0, capacity: CAPACITY };
    recorder = new Recorder(place, { running: true, now: () => time });
    reader = new RingReader(place);
    expect(reader.lost).to.equal(0);
    reader.take();
    reader.lost = 0;
  }

  function note(events: number): void {
    for (let i = 0; i < events; i++) recorder.note(Kind.Report, i);
  }

  const taken = (): number[] => reader.take().map(({ a }) => a);
  const from = (first: number, end: number): number[] => Array.from({ length: end - first }, (_, i) => first + i);

  it('gives back what was noted, with times of more than 32 bits', () => {
    const noted: RawEvent[] = [0, 4, 2 ** 31, 2 ** 32 - 4, 2 ** 32, 5 * 2 ** 32 + 2 ** 31, 2 ** 53 - 2].map(
      (time, i) => ({
        kind: i + 1,
        time,
        a: 2 ** 32 - 1 - i,
        b: 2 ** 31 + i,
      }),
    );
    for (const event of noted) {
      time = event.time;
      recorder.note(event.kind, event.a, event.b);
    }
    recorder.note(Kind.Section);
    expect(reader.take()).to.deep.equal([...noted, { kind: Kind.Section, time: 2 ** 53 - 2, a: 0, b: 0 }]);
    expect(reader.lost).to.equal(0);
  });

  for (const count of [0, 2 ** 31 - 3, -3]) {
    it(`keeps the newest that it has room for, and counts the others as lost, after ${count} events`, () => {
      ringAt(count);
      note(CAPACITY);
      expect(taken(), 'just full').to.deep.equal(from(0, CAPACITY));
      expect(reader.lost).to.equal(0);
      note(CAPACITY + 5);
      expect(taken()).to.deep.equal(from(5, CAPACITY + 5));
      expect(reader.lost).to.equal(5);
      note(2);
      expect(taken()).to.deep.equal([0, 1]);
      expect(reader.lost).to.equal(5);
    });

    it(`does not give out what may be torn, and counts it as lost, after ${count} events`, () => {
      ringAt(count);
      note(CAPACITY);
      words.store(RingHead.Begun, count + CAPACITY + 1); // the writer stores the words of one more
      expect(taken()).to.deep.equal(from(1, CAPACITY));
      expect(reader.lost).to.equal(1);
      note(3);
      words.store(RingHead.Begun, count + 2 * CAPACITY + 40); // it has gone round meanwhile
      expect(taken()).to.deep.equal([]);
      expect(reader.lost).to.equal(4);
    });
  }

  it('has a name whole, in as few events as it takes, and no more of it than there is room for', () => {
    const eventsOf = (name: string): number => {
      ringAt(0);
      recorder.arrive(7, name);
      const [first, ...named] = reader.take();
      expect(first).to.include({ kind: Kind.Attach, a: 7, b: 0 });
      const bytes = new Uint8Array(new Uint32Array(named.flatMap(({ a, b }) => [a, b])).buffer);
      expect(new TextDecoder().decode(bytes).replaceAll('\0', '')).to.equal(name.slice(0, 48));
      expect(named.every(({ kind }) => kind === Kind.Name)).to.equal(true);
      return named.length;
    };
    expect(['', 'x', 'vcpu0012', 'a name of 17 char', LONG_NAME, `${LONG_NAME}be`].map(eventsOf)).to.deep.equal([
      ...[0, 1, 1, 3, 6, 6],
    ]);
  });

  it('says who the reader is after each half of it, so that the newest events always have it', () => {
    recorder.arrive(7, LONG_NAME);
    const introduced: number[] = [];
    for (let at = 0; at < 200; at++) {
      note(1);
      for (const { kind, a, b } of reader.take()) {
        if (kind === Kind.Tenant) introduced.push(words.load(RingHead.Done));
        if (kind === Kind.Tenant) expect([a, b], 'as when it came').to.deep.equal([7, 0]);
      }
    }
    // Each is seen together with its name and the event that it stands before.
    expect(introduced.slice(0, 4)).to.deep.equal([1, 2, 3, 4].map((half) => half * (CAPACITY / 2 + 1) + 7));
  });

  it('goes on where its last tenant was done', () => {
    note(3);
    const next = new Recorder({ words, head: 0, capacity: CAPACITY }, { running: true, now: () => 0 });
    next.arrive(8, '');
    expect(reader.take().at(-1)).to.include({ kind: Kind.Attach, a: 8, b: 3 });
  });
});

describe('The kinds of events', () => {
  it('fit in eight bits, and none is 0, which is what fresh memory has', () => {
    for (const kind of Object.values(Kind)) expect(kind).to.be.within(1, 255);
  });

  it('have numbers of their own, and so have their reasons', () => {
    for (const numbers of [Kind, Offline, Published].map((named) => Object.values(named))) {
      expect(new Set(numbers).size).to.equal(numbers.length);
    }
  });

  it('name an operation that has no number of its own as another one', () => {
    expect(OPERATIONS[operationNumber('whatever')]).to.equal('other');
    expect(OPERATIONS[operationNumber('whileStopped.harvest')]).to.equal('harvest');
  });
});

import { expect } from 'chai';
import { Arena } from '../../lib/arena/arena.js';
import { Slot } from '../../lib/arena/layout.js';
import type { DirtyMemory } from '../../lib/index.js';
import { Trace } from '../../lib/trace/index.js';
import { smallEngine } from '../support/engines.js';
import { BareReader, interleaved } from '../support/hand-stepped.js';

/** Of each reader. */
const IDENTITY = 7;

describe('What a reader records', () => {
  let memory: DirtyMemory;
  let trace: Trace;
  let arena: Arena;
  beforeEach(() => {
    memory = smallEngine({ traceEvents: 64, maxReaders: 3 });
    trace = Trace.open(memory.handle);
    arena = Arena.attach('spec', memory.handle);
  });
  afterEach(async () => {
    memory.retire(IDENTITY);
    await memory.close();
  });

  const kinds = (): string[] =>
    trace.take().flatMap(({ kind, thread }) => (thread.slot === undefined ? [] : [`${thread.name} ${kind}`]));

  it('is in a ring of its own', () => {
    const readers = ['a', 'b', 'c'].map((name) => new BareReader(arena, name, IDENTITY));
    kinds();
    for (const reader of readers) reader.goOffline();
    const events = trace.take();
    expect(events.map(({ kind, thread }) => [kind, thread.name, thread.slot])).to.deep.equal([
      ['offline', 'a', 0],
      ['offline', 'b', 1],
      ['offline', 'c', 2],
    ]);
  });

  it('tells of each interval, and of outermost sections, which are sections all the same', () => {
    const reader = new BareReader(arena, 'a', IDENTITY);
    reader.read(() => reader.read(() => expect(reader.inSection).to.equal(true)));
    reader.read(() => {});
    expect(reader.inSection).to.equal(false);
    memory.rcu.startPoll();
    reader.quiescent();
    reader.offline(() => {});
    const events = trace.take().filter(({ thread }) => thread.slot === 0);
    const told = events.map((event) => ('interval' in event ? `${event.kind} ${event.interval}` : event.kind));
    const sections = ['section', 'section-end', 'section', 'section-end'];
    expect(told).to.deep.equal(['attach', 'online 1', ...sections, 'report 2', 'offline', 'online 3']);
  });

  it('is there before the owner can see what was done', () => {
    const { arena: theirs, words } = interleaved(arena);
    const reader = new BareReader(theirs, 'a', IDENTITY);
    memory.rcu.startPoll();
    kinds();
    const recorded: string[][] = [];
    words.before = (access, index) => {
      const isSeen = index === reader.slot + Slot.State || index === reader.slot + Slot.Identity;
      if (access === 'store' && isSeen) recorded.push(kinds());
    };
    reader.quiescent();
    reader.detach();
    expect(recorded).to.deep.equal([['a report'], ['a offline'], ['a detach'], []]);
  });

  it('is no second departure of a reader that detaches offline', () => {
    const reader = new BareReader(arena, 'a', IDENTITY);
    reader.goOffline();
    reader.detach();
    expect(kinds()).to.deep.equal(['a attach', 'a online', 'a offline', 'a detach']);
  });
});

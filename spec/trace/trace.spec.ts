import { expect } from 'chai';
import { Kind } from '../../lib/arena/trace-kinds.js';
import { Recorder, RingHead } from '../../lib/arena/trace-ring.js';
import { Words } from '../../lib/arena/words.js';
import { engineOf } from '../../lib/dirty-memory.js';
import { CODE, DirtyMemory, MIGRATION, UsageError, VGA } from '../../lib/index.js';
import { Trace, type TraceEvent } from '../../lib/trace/index.js';
import { attachVcpu } from '../../lib/vcpu.js';
import { describeEngines, foreignVcpu, PAGE, reportUntil, SWAP_ALL, smallEngine } from '../support/engines.js';

const EVENTS = 64;
const kindsOf = (events: readonly TraceEvent[]): string[] => events.map(({ kind }) => kind);
const ofOwner = (events: readonly TraceEvent[]): TraceEvent[] =>
  events.filter(({ thread }) => thread.slot === undefined);

describeEngines('A trace', () => {
  let memory: DirtyMemory;
  let trace: Trace;
  beforeEach(() => {
    memory = smallEngine({ traceEvents: EVENTS, maxReaders: 4 });
    trace = Trace.open(memory.handle);
  });

  it('has what a reader does, in order', () => {
    const vcpu = attachVcpu(memory.handle, { name: 'vcpu0', identity: 12 });
    vcpu.read(() => vcpu.read(() => {}));
    memory.rcu.startPoll();
    vcpu.quiescent();
    vcpu.quiescent();
    vcpu.offline(() => {});
    vcpu.detach();
    const events = trace.take().filter(({ thread }) => thread.slot !== undefined);
    expect(kindsOf(events)).to.deep.equal([
      ...['attach', 'online', 'section', 'section-end', 'report', 'offline', 'online', 'offline', 'detach'],
    ]);
    expect(events.map((event) => (event.kind === 'offline' ? event.why : undefined)).filter(Boolean)).to.deep.equal([
      'call',
      'detach',
    ]);
    expect(events.flatMap((event) => ('interval' in event ? [event.interval] : []))).to.deep.equal([1, 2, 3]);
    for (const { thread } of events) expect(thread).to.deep.equal({ name: 'vcpu0', slot: 0, identity: 12 });
    for (const [i, { time }] of events.entries()) expect(time).to.be.at.least(events[i - 1]?.time ?? 0);
  });

  it('has what the owner does in a harvest, from publishing to delivery, and whom it waited for', async () => {
    const vcpu = foreignVcpu(memory, 'slow');
    memory.ram.plug({ id: 'a', size: 3 * PAGE });
    await reportUntil(vcpu, memory.rcu.synchronize());
    trace.take();
    await reportUntil(vcpu, memory.harvest(VGA)).then(({ set }) => set.dispose());
    const events = trace.take();
    const [clear, number, wait, ...rest] = ofOwner(events).filter(({ kind }) => kind !== 'sleep');
    expect(clear).to.include({ kind: 'clear', operation: 'harvest', client: VGA });
    expect([number?.kind, wait?.kind]).to.have.members(['number', 'wait']);
    expect(kindsOf(rest)).to.deep.equal(['complete', 'deliver']);
    expect(rest[1]).to.include({ operation: 'harvest', client: VGA, pages: 3 });
    const reported = events.findIndex(({ kind, thread }) => kind === 'report' && thread.name === 'slow');
    expect(reported).to.be.above(events.findIndex(({ kind }) => kind === 'number'));
    expect(reported).to.be.below(events.findIndex(({ kind }) => kind === 'complete'));
  });

  it('has every change of RAM, and when its place is free again', async () => {
    const block = memory.ram.plug({ id: 'a', size: 100 * PAGE, maxSize: 200 * PAGE, offset: 64 * PAGE });
    await block.discard(64 * PAGE, 10 * PAGE);
    block.populate(64 * PAGE, 10 * PAGE);
    await memory.ram.resize(block, 120 * PAGE);
    await memory.ram.resize(block, 90 * PAGE);
    await memory.ram.unplug(block);
    const ram = ofOwner(trace.take()).flatMap((event) => ('first' in event ? [event] : []));
    expect(ram.map(({ kind, first, pages }) => [kind, first, pages])).to.deep.equal([
      ['plug', 64, 100],
      ['discard', 128, 10],
      ['free', 128, 10],
      ['populate', 128, 10],
      ['grow', 164, 20],
      ['shrink', 154, 30],
      ['free', 154, 30],
      ['unplug', 64, 200],
      ['free', 64, 200],
    ]);
  });

  it('tells why tables are published, and for which clients', async () => {
    memory = smallEngine({ traceEvents: EVENTS, tracked: VGA }, SWAP_ALL);
    trace = Trace.open(memory.handle);
    const block = memory.ram.plug({ id: 'a', size: 64 * PAGE });
    const tracking = await memory.track(CODE);
    (await memory.harvest(VGA)).set.dispose();
    await tracking.stop();
    await memory.ram.unplug(block);
    const published = trace.take().flatMap((event) => (event.kind === 'publish' ? [[event.why, event.clients]] : []));
    expect(published).to.deep.equal([
      ['extend', VGA | CODE | MIGRATION],
      ['track', CODE],
      ['swap', VGA],
      ['stop', CODE],
      ['shrink', VGA | CODE | MIGRATION],
    ]);
  });

  it('says of a collection that fails that its bits go back', async () => {
    memory.ram.plug({ id: 'a', size: PAGE });
    const vcpu = foreignVcpu(memory);
    const failed = memory.harvest(MIGRATION, { timeoutMs: 0 });
    await failed.then(
      () => expect.fail('it has not waited'),
      () => {},
    );
    const [clear, giveBack] = ofOwner(trace.take()).filter(({ kind }) => kind === 'clear' || kind === 'give-back');
    expect(clear?.kind).to.equal('clear');
    expect(giveBack).to.include({ kind: 'give-back', operation: 'harvest', client: MIGRATION });
    vcpu.detach();
  });

  it('names the operation of a collection that does not wait', () => {
    memory.ram.plug({ id: 'a', size: 2 * PAGE });
    memory.whileStopped.harvest(CODE).set.dispose();
    expect(ofOwner(trace.take()).at(-1)).to.include({ kind: 'deliver', operation: 'harvest', client: CODE, pages: 2 });
  });

  it('says that readers were retired', () => {
    foreignVcpu(memory);
    memory.retire(4711);
    expect(trace.take().at(-1)).to.include({ kind: 'retire', identity: 4711, readers: 1 });
  });

  it('keeps the newest events, counts the lost ones, and still knows whose they are', () => {
    const vcpu = attachVcpu(memory.handle, { name: 'a name of forty-eight bytes, the most there may ' });
    for (let i = 0; i < 100; i++) vcpu.offline(() => {});
    const events = trace.take();
    expect(trace.lost).to.be.above(0);
    expect(events.length).to.be.within(EVENTS / 2, EVENTS);
    expect(new Set(events.map(({ thread }) => thread)).size).to.equal(1);
    expect(events[0]?.thread.name).to.equal(vcpu.name);
    const { lost } = trace;
    vcpu.detach();
    const last = trace.take();
    expect(kindsOf(last)).to.deep.equal(['offline', 'detach']);
    expect(last[0]?.thread, 'the same thread as before').to.equal(events[0]?.thread);
    expect(trace.lost).to.equal(lost);
  });

  it('goes on being the same reader’s when events between two looks are lost', () => {
    const vcpu = attachVcpu(memory.handle, { name: 'vcpu0' });
    const before = trace.take().at(-1);
    for (let i = 0; i < 100; i++) vcpu.offline(() => {});
    expect(trace.take().at(-1)?.thread).to.equal(before?.thread);
  });

  it('does not take the next tenant of a slot for the last one', () => {
    attachVcpu(memory.handle, { name: 'first', identity: 5 }).detach();
    const first = trace.take()[0];
    const next = attachVcpu(memory.handle, { name: 'next', identity: 5 });
    for (let i = 0; i < 100; i++) next.offline(() => {});
    const events = trace.take();
    expect(events.every(({ thread }) => thread.name === 'next' && thread !== first?.thread)).to.equal(true);
  });

  it('begins what a killed thread had begun again, and never shows it', () => {
    const vcpu = attachVcpu(memory.handle, { name: 'vcpu0' });
    const buffer = engineOf(memory).arena.trace;
    if (buffer === undefined) throw new Error('it records');
    const ring = buffer.ring(0);
    const done = ring.words.load(ring.head + RingHead.Done);
    // Killed in the middle of its next event.
    ring.words.store(ring.head + RingHead.Begun, done + 1);
    ring.words.store(ring.head + RingHead.size + done * 4, 0xff);
    expect(kindsOf(trace.take()).filter((kind) => kind !== 'number')).to.deep.equal(['attach', 'online']);
    memory.rcu.holdouts();
    const next = buffer.recorder(0);
    next.note(Kind.Detach);
    expect(kindsOf(trace.take())).to.deep.equal(['detach']);
    vcpu.detach();
  });

  it('records nothing while it is paused, whoever has paused it', () => {
    const vcpu = attachVcpu(memory.handle);
    trace.take();
    const other = Trace.open(memory.handle);
    other.pause();
    expect(trace.paused).to.equal(true);
    vcpu.offline(() => {});
    expect(trace.take()).to.deep.equal([]);
    trace.resume();
    vcpu.goOffline();
    expect(kindsOf(trace.take())).to.deep.equal(['offline']);
  });

  it('is given in full to everybody who reads it, also after the engine was closed', async () => {
    attachVcpu(memory.handle, { name: 'vcpu0' }).detach();
    await memory.close();
    const kinds = kindsOf(trace.take());
    expect(kinds).to.include.members(['attach', 'online', 'offline', 'detach', 'number']);
    expect(kindsOf(Trace.open(memory.handle).take())).to.deep.equal(kinds);
  });

  it('counts events beyond 32 bits', () => {
    const words = new Words(new ArrayBuffer(4 * (RingHead.size + 4 * 4)), 0, RingHead.size + 4 * 4);
    words.store(RingHead.Begun, -2);
    words.store(RingHead.Done, -2);
    const recorder = new Recorder({ words, head: 0, capacity: 4 }, { running: true, now: () => 2 ** 40 + 3 });
    for (let i = 0; i < 5; i++) recorder.note(Kind.Offline, i, 2 ** 32 - 1);
    expect(words.load(RingHead.Done)).to.equal(3);
    expect(words.load(RingHead.Begun)).to.equal(3);
  });
});

describe('A trace of nothing', () => {
  it('is refused, and says what to do', () => {
    const memory = smallEngine();
    expect(() => Trace.open(memory.handle)).to.throw(UsageError, /^Trace\.open: .*traceEvents/);
    expect(memory.handle).to.have.all.keys('dirtymem', 'engine', 'memory', 'byteOffset');
  });

  it('of another engine is refused', () => {
    const [one, two] = [smallEngine({ traceEvents: 64 }), smallEngine({ traceEvents: 64 })];
    const mixed = { ...one.handle, trace: two.handle.trace as SharedArrayBuffer };
    expect(() => Trace.open(mixed)).to.throw(RangeError, /handle\.trace/);
    expect(() => attachVcpu(mixed)).to.throw(RangeError, /^attachVcpu: handle\.trace/);
  });

  it('takes a number of events that is a power of two', () => {
    for (const traceEvents of [0, 32, 100, 2 ** 21, 64.5]) {
      expect(() => DirtyMemory.create({ traceEvents })).to.throw(RangeError, /^DirtyMemory\.create: traceEvents/);
    }
  });
});

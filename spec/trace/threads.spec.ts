/** What real threads record at full speed: nothing torn, and nothing that contradicts what a grace period is. */
import { setImmediate as immediate } from 'node:timers/promises';
import { expect } from 'chai';
import { openEngine } from '../../lib/dirty-memory.js';
import { type DirtyMemory, MIGRATION } from '../../lib/index.js';
import { sabotagedParts } from '../../lib/stress/sabotage/catalogue.js';
import { Trace, type TraceEvent, type TraceThread } from '../../lib/trace/index.js';
import { foreignVcpu, PAGE, smallEngine } from '../support/engines.js';
import { itInBothForms } from '../support/long.js';
import { endThreads, RemoteVcpu } from '../support/remote-vcpu.js';

/** Is the number `a` the number `b`, or after it? */
const reached = (a: number, b: number): boolean => ((a - b) | 0) >= 0;

/**
 * Holds the periods of a trace against the reports in it, without regard to time: the owner's events are taken before
 * those of readers, so where a period has ended, each reader has reported its number, or is offline, in what was taken.
 */
class PeriodJudge {
  periods = 0;
  private readonly reported = new Map<TraceThread, number | undefined>();

  see(events: readonly TraceEvent[], lost = false): void {
    if (lost) this.reported.clear();
    for (const { thread, ...event } of events) {
      if (event.kind === 'online' || event.kind === 'report') this.reported.set(thread, event.number);
      else if (event.kind === 'offline') this.reported.set(thread, undefined);
      else if (event.kind === 'retire') {
        for (const reader of this.reported.keys()) if (reader.identity === event.identity) this.reported.delete(reader);
      }
    }
    for (const event of events) {
      if (event.kind !== 'complete') continue;
      this.periods++;
      for (const [{ name }, number] of lost ? [] : this.reported) {
        if (number === undefined || reached(number, event.number)) continue;
        throw new Error(`period ${event.period} has ended, and ${name} has reported ${number}, not ${event.number}`);
      }
    }
  }
}

/** Of one reader's events, none is missing or mixed up: its intervals are numbered, and offline stretches lie between. */
class ReaderJudge {
  seen = 0;
  private readonly last = new Map<TraceThread, TraceEvent>();

  see(events: readonly TraceEvent[], lost: boolean): void {
    if (lost) this.last.clear();
    for (const event of events) {
      if (event.thread.slot === undefined) continue;
      this.check(event, this.last.get(event.thread));
      this.last.set(event.thread, event);
      this.seen++;
    }
  }

  private check(event: TraceEvent, last: TraceEvent | undefined): void {
    if (last === undefined) return;
    const what = `${last.kind}, then ${event.kind}`;
    expect(event.time, what).to.be.at.least(last.time);
    if (event.kind === 'report' && 'interval' in last) expect(event.interval).to.equal(last.interval + 1);
    if (event.kind === 'online') expect(['attach', 'offline'], what).to.include(last.kind);
    if (event.kind === 'offline' || event.kind === 'report') {
      expect(['online', 'report', 'section-end'], what).to.include(last.kind);
    }
  }
}

describe('What threads record', () => {
  afterEach(endThreads);

  async function begin(events: number): Promise<{ memory: DirtyMemory; trace: Trace; vcpus: RemoteVcpu[] }> {
    const memory = smallEngine({ traceEvents: events, maxReaders: 8 });
    memory.ram.plug({ id: 'a', size: 100 * PAGE });
    const vcpus = await Promise.all(
      ['quiescent', 'churn', 'idle'].map(async (loop) => {
        const vcpu = await RemoteVcpu.attached(memory.handle, loop);
        memory.supervise(vcpu.worker);
        await vcpu.begin(loop as 'quiescent');
        return vcpu;
      }),
    );
    return { memory, trace: Trace.open(memory.handle), vcpus };
  }

  itInBothForms('agrees with every grace period, and is in order', 12, 120, async (periods) => {
    const { memory, trace } = await begin(4096);
    const [judge, readers] = [new PeriodJudge(), new ReaderJudge()];
    let lost = 0;
    while (judge.periods < periods) {
      memory.setDirtyRange(0, 100 * PAGE, MIGRATION);
      (await memory.harvest(MIGRATION)).set.dispose();
      const events = trace.take();
      judge.see(events, trace.lost > lost);
      readers.see(events, trace.lost > lost);
      ({ lost } = trace);
    }
    expect(readers.seen).to.be.above(periods);
  });

  itInBothForms('is whole where it is overwritten all the time', 500, 30_000, async (wanted) => {
    const { trace } = await begin(64);
    const judge = new ReaderJudge();
    for (let lost = 0; judge.seen < wanted || lost === 0; ) {
      const events = trace.take();
      judge.see(events, trace.lost > lost);
      ({ lost } = trace);
      if (events.length === 0) await immediate();
    }
  });

  it('shows it when a period has not waited for a reader', async () => {
    const judged = async (sabotage: string | undefined): Promise<number> => {
      const options = { pagesPerBlock: 64, maxRamBytes: 2 ** 20, arenaBytes: 2 ** 18, maxReaders: 4, traceEvents: 64 };
      const { memory } = openEngine(options, sabotagedParts(sabotage));
      const trace = Trace.open(memory.handle);
      const readers = [foreignVcpu(memory, 'quick'), foreignVcpu(memory, 'slow')];
      memory.rcu.startPoll();
      for (const reader of sabotage === undefined ? readers : readers.slice(0, 1)) reader.quiescent();
      memory.rcu.holdouts();
      const judge = new PeriodJudge();
      judge.see(trace.take());
      return judge.periods;
    };
    expect(await judged(undefined)).to.equal(1);
    const bug = await judged('wait-for-first-reader').then(String, (error) => error.message);
    expect(bug).to.match(/^period 1 has ended, and slow has reported/);
  });
});

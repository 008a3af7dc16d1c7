import { expect } from 'chai';
import { freeze, lastEvents } from '../../lib/stress/black-box.js';
import { StressRun } from '../../lib/stress/run.js';
import { lanesOf, Trace } from '../../lib/trace/index.js';
import { smallEngine } from '../support/engines.js';
import { itLong } from '../support/long.js';

describe('The recording before a violation', () => {
  it('stops at the violation, and is read afterwards', () => {
    const memory = smallEngine({ traceEvents: 64 });
    memory.rcu.startPoll();
    freeze(memory.handle);
    memory.rcu.startPoll();
    memory.rcu.holdouts();
    expect(Trace.open(memory.handle).paused).to.equal(true);
    expect(lastEvents(memory.handle).map(({ kind }) => kind)).to.deep.equal(['number']);
  });

  it('is empty where a run does not record', () => {
    const { handle } = smallEngine();
    freeze(handle);
    expect(lastEvents(handle)).to.deep.equal([]);
  });

  itLong('has the owner and the readers of a run that a planted bug has ended', async () => {
    const sabotage = 'free-without-grace-period';
    const plan = { vcpus: 2, seconds: 30, seed: 4, sabotage, faults: false };
    const run = new StressRun(plan, () => {}, new AbortController().signal, true);
    expect((await run.run()).verdict).to.equal('fail');
    const events = run.eventsBeforeViolation;
    const names = new Set(events.map(({ thread }) => thread.name));
    expect(names).to.include('owner');
    expect([...names].filter((name) => name.startsWith('vcpu'))).to.not.deep.equal([]);
    expect(lanesOf(events).lanes.some(({ spans }) => spans.length > 0)).to.equal(true);
    expect(run.spans.length).to.be.above(0);
  });

  itLong('is not made by a run that is not to record, whose course is there all the same', async () => {
    const plan = { vcpus: 2, seconds: 2, seed: 5, sabotage: undefined, faults: false };
    const run = new StressRun(plan, () => {}, new AbortController().signal);
    const report = await run.run();
    expect(run.eventsBeforeViolation).to.deep.equal([]);
    const marks = run.spans.reduce((sum, { added }) => sum + added.marks.reduce((all, one) => all + one, 0), 0);
    expect(marks).to.be.within(1, report.marks);
  });
});

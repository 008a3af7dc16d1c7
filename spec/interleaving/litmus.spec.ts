import { expect } from 'chai';
import { Crew, type Exploration } from './checker/crew.js';
import type { MemoryModel, Strategy } from './checker/plan.js';

const EXHAUSTIVE: Strategy = { kind: 'exhaustive' };
const NAIVE: Strategy = { kind: 'exhaustive', naive: true };

describe('the interleaving checker, on programs whose outcomes are known', () => {
  let crew: Crew;
  before(() => {
    crew = new Crew(16);
  });
  after(() => crew.dismiss());

  async function explore(scenario: string, model: MemoryModel, strategy = EXHAUSTIVE): Promise<Exploration> {
    const found = await crew.explore({ scenario, model, strategy, maxSchedules: 100_000 });
    expect(found.failure).to.equal(undefined);
    expect(found.exhausted).to.equal(true);
    return found;
  }

  it('never sees both loads of store buffering miss the stores under sequential consistency', async () => {
    const { outcomes } = await explore('store-buffering', 'sc');
    expect(outcomes).to.deep.equal(['0,1', '1,0', '1,1']);
  });

  it('sees both loads of store buffering miss the stores with store buffers', async () => {
    const { outcomes } = await explore('store-buffering', 'tso');
    expect(outcomes).to.deep.equal(['0,0', '0,1', '1,0', '1,1']);
  });

  it('has atomic stores drain the store buffer', async () => {
    const { outcomes } = await explore('store-buffering-atomic', 'tso');
    expect(outcomes).to.deep.equal(['0,1', '1,0', '1,1']);
  });

  it('has atomic loads not drain the store buffer', async () => {
    const { outcomes } = await explore('store-buffering-loads', 'tso');
    expect(outcomes).to.include('0,0');
  });

  for (const model of ['sc', 'tso'] as const) {
    it(`never sees the flag of message passing without the data (${model})`, async () => {
      const { outcomes } = await explore('message-passing', model);
      expect(outcomes).to.deep.equal(['0,0', '0,1', '0,11']);
    });
  }

  it('forwards a buffered store to the loads of its own thread', async () => {
    const { outcomes } = await explore('own-store-forwarded', 'tso');
    expect(outcomes).to.deep.equal(['10,10', '10,11', '11,10', '11,11']);
  });

  it('runs each of the 20 interleavings of three accesses with three once, when it is to be naive', async () => {
    const { schedules } = await explore('own-store-forwarded', 'sc', NAIVE);
    expect(schedules).to.equal(20);
  });

  it('comes to the same outcomes in fewer schedules when it knows the states again', async () => {
    const naive = await explore('counters', 'sc', NAIVE);
    const { schedules, outcomes } = await explore('counters', 'sc');
    expect(naive.schedules, 'interleavings of five accesses with five').to.equal(252);
    expect(schedules).to.be.below(naive.schedules);
    expect(outcomes).to.deep.equal(naive.outcomes);
  });

  it('takes no decision before accesses to words that one thread has for itself', async () => {
    const { schedules, outcomes } = await explore('apart', 'sc', NAIVE);
    expect(schedules).to.equal(1);
    expect(outcomes).to.deep.equal(['2,2']);
  });

  it('finds a word shared that only a rare schedule shares, and begins again', async () => {
    const { outcomes, restarts } = await explore('rarely-shared', 'sc');
    expect(outcomes).to.include('0,5').and.include('1,5');
    expect(restarts).to.be.above(0);
  });

  it('takes threads that wait for each other for a deadlock', async () => {
    const found = await crew.explore({ scenario: 'deadlock', model: 'sc', strategy: EXHAUSTIVE, maxSchedules: 1000 });
    expect(found.failure).to.include('deadlock');
  });

  it('wakes a thread that waits, and not one whose word has changed before', async () => {
    const { outcomes } = await explore('wait-and-notify', 'tso');
    expect(outcomes).to.deep.equal(['0,1']);
  });

  it('tries the death of a thread at each of its accesses', async () => {
    const { outcomes } = await explore('death', 'sc');
    expect(outcomes).to.deep.equal(['0,0', '1,0', '2,0', '3,0']);
  });
});

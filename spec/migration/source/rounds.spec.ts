import { expect } from 'chai';
import { MigrationError, type MigrationProgress } from '../../../lib/migration/index.js';
import { Flow } from '../../../lib/migration/wire/flow.js';
import { PAGE, smallEngine } from '../../support/engines.js';
import { attempt, expectArrived } from '../../support/migration/attempt.js';
import { SendingMachine } from '../../support/migration/machines.js';
import { expectThrow } from '../../support/refusals.js';

describe('The rounds of a migration', () => {
  let sender: SendingMachine;

  beforeEach(() => {
    sender = new SendingMachine(smallEngine());
    sender.plug('ram', 200);
    for (let page = 0; page < 200; page++) sender.store(page * PAGE, page + 1);
  });

  /** In round `n` as many pages are stored to as the list's entry `n`. */
  async function withStores(pages: readonly number[], downtimeMs: number) {
    const events: MigrationProgress[] = [];
    let migratedRound = 0;
    let stored = 0;
    const outcome = await attempt(sender, {
      source: { downtimeMs, verify: true },
      begun: (migration) => {
        migration.on('progress', (event) => events.push(event));
        migratedRound = migration.progress.round;
      },
      policy: ({ message }) => {
        const event = events.at(-1);
        if (message.type !== 'data' || event?.phase !== 'copying' || event.round === migratedRound) return 'pass';
        migratedRound = event.round;
        for (let page = 0; page < (pages[event.round - 1] ?? 0); page++) sender.store(page * PAGE + 8, ++stored % 256);
        return 'pass';
      },
    });
    return { result: expectArrived(sender, outcome), events };
  }

  it('end when nothing is left, if no downtime is allowed', async () => {
    const { result, events } = await withStores([150, 90, 30, 1], 0);
    expect(result.rounds).to.equal(6);
    const begun = events.filter(({ round }, i) => round > 0 && round !== events[i - 1]?.round);
    expect(begun.map(({ remainingPages }) => remainingPages)).to.deep.equal([200, 150, 90, 30, 1, 0]);
    // Stored to after the round had begun and before they were copied, pages are dirty again, and unchanged.
    expect(result.pagesSent + result.pagesUnchanged).to.equal(200 + 150 + 90 + 30 + 1);
  });

  it('end as soon as what is left fits the downtime', async () => {
    const downtimeMs = 5;
    const { result, events } = await withStores([200, 200, 200, 0], downtimeMs);
    const begun = events.filter(({ round }, i) => round > 1 && round !== events[i - 1]?.round);
    expect(begun).to.have.lengthOf(result.rounds - 1);
    const fitting = begun.map(({ expectedDowntimeMs, remainingPages }) => {
      return remainingPages === 0 || expectedDowntimeMs <= downtimeMs;
    });
    expect(fitting).to.deep.equal(begun.map((_, i) => i === begun.length - 1));
  });

  it('give vCPUs that were slowed down their time back before the machine is paused', async () => {
    sender.throttle = (share) => void sender.log.push(`throttle ${share}`);
    // Which rounds are too fast depends on the machine: two in a row of many are.
    await withStores([...new Array(14).fill(200), 0], 0);
    const given = sender.log.indexOf('throttle undefined');
    expect(sender.log.indexOf('throttle 0.2')).to.be.within(0, given);
    expect(given).to.be.below(sender.log.indexOf('pause'));
  });

  it('expect no downtime before anything is known of the link', async () => {
    const { events } = await withStores([10, 0], 0);
    const early = events.filter(({ round, pagesSent }) => round === 0 || (round === 1 && pagesSent === 0));
    expect(early).to.not.be.empty;
    for (const { expectedDowntimeMs } of early) expect(expectedDowntimeMs).to.equal(Infinity);
  });

  it('end when what is left fits, though the peer was slow to answer at first', async () => {
    const downtimeMs = 900;
    let held = false;
    let stored = 0;
    const outcome = await attempt(sender, {
      source: { downtimeMs },
      policy: async ({ message, direction }) => {
        if (message.type === 'hello' && direction === 'to destination') {
          held = true;
          await new Promise((resolve) => setTimeout(resolve, downtimeMs + 100));
        }
        // Every round leaves something.
        if (message.type === 'data' && sender.state === 'running')
          sender.store((stored++ % 200) * PAGE + 8, stored % 256);
        return 'pass' as const;
      },
    });
    expect(held).to.equal(true);
    expect(expectArrived(sender, outcome).rounds).to.be.below(5);
  });

  it('know how fast the link is from the contents alone', async () => {
    const { events } = await withStores([10], 300);
    const [first] = events.filter(({ round }) => round === 1);
    expect(first).to.include({ bytesPerSecond: 0, expectedDowntimeMs: Infinity });
  });

  it('are two where nothing is stored, and the machine stands still for nothing but the end', async () => {
    const { result, events } = await withStores([], 0);
    expect(result).to.include({ rounds: 2, pagesSent: 200, verified: true, confirmed: true });
    expect([...new Set(events.map(({ phase }) => phase))]).to.deep.equal(['copying', 'switching', 'deciding']);
  });

  it('do not count as dirtied what is dirty because it is new', async () => {
    const { events } = await withStores([], 0);
    expect(events.map(({ dirtyPagesPerSecond }) => dirtyPagesPerSecond)).to.deep.equal(events.map(() => 0));
  });

  it('of a machine without RAM are two', async () => {
    const bare = new SendingMachine(smallEngine());
    expect(expectArrived(bare, await attempt(bare))).to.include({ rounds: 2, pagesSent: 0 });
  });
});

describe('The flow of a migration', () => {
  it('is as fast as what was taken in the time in which something was on its way', () => {
    const flow = new Flow();
    expect(flow.bytesPerSecond).to.equal(0);
    flow.wrote(1000, 100);
    flow.acknowledge(600, 120);
    flow.acknowledge(1000, 200);
    expect(flow.bytesPerSecond).to.equal(10_000);
    flow.wrote(1000, 10_200); // nothing was on its way for ten seconds
    flow.acknowledge(2000, 10_300);
    expect(flow.bytesPerSecond).to.equal(10_000);
  });

  it('forgets how fast it was more than three seconds ago', () => {
    const flow = new Flow();
    flow.wrote(2 ** 30, 0);
    for (let second = 1; second <= 10; second++) {
      for (let part = 1; part <= 100; part++) {
        const fast = Math.min(second - 1, 5) * 10_000 + (second <= 5 ? part * 100 : 0);
        const slow = Math.max(0, second - 6) * 1000 + (second > 5 ? part * 10 : 0);
        flow.acknowledge(fast + slow, (second - 1) * 1000 + part * 10);
      }
    }
    expect(flow.bytesPerSecond).to.be.closeTo(1000, 1);
  });

  it('stalls from the moment on in which nothing was taken of what there was', () => {
    const flow = new Flow();
    expect(flow.stalledMs(1000)).to.equal(0);
    flow.wrote(10, 1000);
    expect(flow.stalledMs(1500)).to.equal(500);
    flow.acknowledge(5, 1600);
    expect(flow.stalledMs(1700)).to.equal(100);
    flow.acknowledge(10, 1800);
    expect(flow.stalledMs(9000)).to.equal(0);
  });

  it('tells who waits when all was taken', async () => {
    const flow = new Flow();
    await flow.allTaken();
    flow.wrote(10, 0);
    let all = false;
    const waiting = flow.allTaken().then(() => {
      all = true;
    });
    flow.acknowledge(9, 1);
    await Promise.resolve();
    expect(all).to.equal(false);
    flow.acknowledge(10, 2);
    await waiting;
  });

  it('refuses receipts for more than was sent, or for less than before', () => {
    const flow = new Flow();
    flow.wrote(10, 0);
    flow.acknowledge(5, 1);
    expectThrow(() => flow.acknowledge(11, 2), MigrationError, 'took 11 bytes of 10');
    expectThrow(() => flow.acknowledge(4, 2), MigrationError, 'and 5 before');
  });
});

import { expect } from 'chai';
import { type MigrationError, migrate, type UncountedPages } from '../../../lib/migration/index.js';
import { Convergence } from '../../../lib/migration/source/convergence.js';
import { foreignVcpu, PAGE, smallEngine } from '../../support/engines.js';
import { itLong } from '../../support/long.js';
import { atEach, attempt, expectArrived, expectStayed } from '../../support/migration/attempt.js';
import { SendingMachine } from '../../support/migration/machines.js';
import { Relay } from '../../support/migration/relay.js';

describe('A guest that dirties pages too fast', () => {
  let shares: (number | undefined)[];
  const convergence = (enabled = true) => new Convergence(enabled, (share) => void shares.push(share), 0);

  beforeEach(() => {
    shares = [];
  });

  it('loses a growing share of its time, a step after each two such rounds, and never all of it', async () => {
    const slowed = convergence();
    for (let round = 0; round < 40; round++) await slowed.judge(60, 100);
    expect(shares.map((share) => share?.toFixed(2))).to.deep.equal([
      '0.20',
      '0.30',
      '0.40',
      '0.50',
      '0.60',
      '0.70',
      '0.80',
      '0.90',
      '0.99',
    ]);
    expect(slowed.share).to.equal(0.99);
  });

  it('is left alone when it does so for one round, or is slower than half the transfer', async () => {
    const slowed = convergence();
    for (let round = 0; round < 10; round++) {
      await slowed.judge(60, 100);
      await slowed.judge(50, 100);
    }
    expect(shares).to.be.empty;
  });

  it('is left alone while it is not known how fast the transfer is', async () => {
    const slowed = convergence();
    for (let round = 0; round < 10; round++) await slowed.judge(60, 0);
    expect(shares).to.be.empty;
  });

  it('keeps what it has when it becomes slower, and has its time back at the end, once', async () => {
    const slowed = convergence();
    await slowed.judge(60, 100);
    await slowed.judge(60, 100);
    await slowed.judge(1, 100);
    expect(slowed.share).to.equal(0.2);
    await slowed.release();
    await slowed.release();
    expect(slowed.share).to.equal(0);
    expect(shares).to.deep.equal([0.2, undefined]);
  });

  it('is left alone where nobody can slow it down, or it is not to be', async () => {
    const slowed = convergence(false);
    for (let round = 0; round < 10; round++) await slowed.judge(60, 100);
    await slowed.release();
    expect([slowed.share, shares]).to.deep.equal([0, []]);
  });

  it('is hopeless after ten such rounds with the most taken, and the time that is allowed', async () => {
    const hopes = async (patienceMs: number): Promise<boolean[]> => {
      const slowed = new Convergence(true, () => {}, patienceMs);
      const all: boolean[] = [];
      for (let round = 0; round < 18 + 12; round++) all.push(await slowed.judge(60, 100));
      return all;
    };
    expect((await hopes(0)).indexOf(false)).to.equal(18 + 9);
    expect(await hopes(1e9)).to.not.include(false);
  });

  it('is not hopeless when a round in between was slow enough, nor when it is not slowed down', async () => {
    const slowed = convergence();
    for (let round = 0; round < 27; round++) expect(await slowed.judge(60, 100)).to.equal(true);
    expect(await slowed.judge(1, 100)).to.equal(true);
    for (let round = 0; round < 9; round++) expect(await slowed.judge(60, 100)).to.equal(true);
    expect(await slowed.judge(60, 100)).to.equal(false);
    const left = convergence(false);
    for (let round = 0; round < 99; round++) expect(await left.judge(60, 100)).to.equal(true);
  });
});

describe('A guest whose pages nobody counts', () => {
  const PAGES = 200;
  let sender: SendingMachine;

  beforeEach(() => {
    sender = new SendingMachine(smallEngine());
    sender.plug('ram', PAGES, 0);
    for (let page = 0; page < PAGES; page++) sender.store(page * PAGE, 1);
    Object.defineProperty(sender, 'throttle', { value: undefined, configurable: true });
  });

  let stored = 0;
  /** As generated code does that does not count. */
  function dirtyAll(): void {
    if (sender.state !== 'running') return;
    stored++;
    // Another value each time that it comes to the byte again: pages that have not changed are not sent.
    const value = stored + Math.floor(stored / PAGE);
    for (const block of sender.memory.ram) {
      for (let page = 0; page < PAGES; page++) sender.contents(block)[page * PAGE + (stored % PAGE)] = value;
    }
    sender.memory.setDirtyRange(0, PAGES * PAGE, 4);
  }

  /** @returns what the event said, how often, and how the migration has ended */
  async function migrated(listening = true) {
    const told: UncountedPages[] = [];
    const outcome = await attempt(sender, {
      source: { downtimeMs: 0, stallMs: 2000 },
      begun: (migration) => {
        if (listening) migration.on('uncounted', (event) => told.push(event));
      },
      policy: atEach('data', dirtyAll),
    });
    return { outcome, told };
  }

  it('is not sent for ever: the migration ends, and says what it is, and who does not count', async () => {
    const generated = foreignVcpu(sender.memory, 'generated');
    const reporting = setInterval(() => generated.quiescent(), 1);
    const { outcome, told } = await migrated();
    clearInterval(reporting);
    generated.detach();
    const { message } = expectStayed(sender, outcome, 'convergence');
    expect(message).to.match(
      /^the guest dirties \d+ pages a second, and \d+ can be sent, although its vCPUs are slowed down by a share of 0.99/,
    );
    expect(message)
      .to.match(/; none by .*'generated' \(identity/)
      .and.contain('docs/abi.md');
    expect(message).to.match(/To let it end, allow a downtimeMs above 0, use a faster link, or have the guest do less/);
    expect(told).to.have.lengthOf(1);
    expect(told[0]?.counted).to.be.below(told[0]?.pages as number);
    expect(told[0]?.readers.map(({ name }) => name)).to.include('generated');
    const peer = outcome.received as MigrationError;
    expect(peer.message).to.equal('the source gave up: the guest dirties pages faster than they can be sent');
  });

  it('is sent until it is cancelled where it may not be slowed down, and then told what would let it end', async () => {
    let tooFast = 0;
    const outcome = await attempt(sender, {
      source: { downtimeMs: 0, autoConverge: false },
      begun: (migration) =>
        migration.on('progress', ({ round, dirtyPagesPerSecond, bytesPerSecond }) => {
          // On a busy machine some rounds are slow, for the guest, too.
          tooFast = dirtyPagesPerSecond * PAGE > bytesPerSecond ? tooFast + 1 : 0;
          if (round > 8 && tooFast > 4) migration.cancel();
        }),
      policy: atEach('data', dirtyAll),
    });
    const { message } = expectStayed(sender, outcome, 'cancelled');
    expect(message).to.match(
      /^the migration was cancelled; the guest dirties \d+ pages a second, and \d+ can be sent\. To let it end, leave autoConverge on, or allow a downtimeMs above 0/,
    );
    expect((outcome.received as MigrationError).message).to.equal('the source gave up: the migration was cancelled');
  });

  itLong('is told of by a warning of the host where nobody listens', async () => {
    const warnings: string[] = [];
    const listen = ({ message }: Error): void => void warnings.push(message);
    process.on('warning', listen);
    expectStayed(sender, (await migrated(false)).outcome, 'convergence');
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', listen);
    const ours = warnings.filter((message) => message.includes('a migration does not slow its guest down'));
    expect(ours).to.have.lengthOf(1);
  });

  itLong('is not told of where the machine slows its vCPUs down itself, and ends all the same', async () => {
    Object.defineProperty(sender, 'throttle', { value: () => {}, configurable: true });
    const { outcome, told } = await migrated();
    const { message } = expectStayed(sender, outcome, 'convergence');
    expect(message).to.not.contain('counted');
    expect(told).to.be.empty;
  });

  it('is not told of where a vCPU counts', async () => {
    const told: UncountedPages[] = [];
    let rounds = 0;
    const outcome = await attempt(sender, {
      source: { downtimeMs: 0 },
      begun: (migration) => {
        migration.on('uncounted', (event) => told.push(event));
        migration.on('progress', ({ throttle, round }) => {
          if (throttle > 0.3) rounds ||= round;
        });
      },
      policy: atEach('data', () => {
        if (sender.state !== 'running' || rounds > 0) return;
        for (let page = 0; page < PAGES; page++) sender.store(page * PAGE, Math.random() * 256);
      }),
    });
    expectArrived(sender, outcome);
    expect(rounds).to.be.greaterThan(0);
    expect(told).to.be.empty;
  });

  it('has an event of that name, and no other', async () => {
    const relay = await Relay.between();
    const migration = migrate(sender, relay.source);
    expect(() => migration.on('unlimited' as never, () => {})).to.throw(TypeError, 'one of progress, uncounted');
    migration.cancel();
    await migration.result.catch(() => {});
    relay.cut();
  });
});

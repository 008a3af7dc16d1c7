/** Each bug is planted from outside, and seen by what the other specs judge by. */
import { expect } from 'chai';
import { Digest } from '../../lib/machine/digest.js';
import type { Arbiter, MigrationError, Side } from '../../lib/migration/index.js';
import { DirtyPages } from '../../lib/migration/source/dirty-pages.js';
import { OutgoingRam } from '../../lib/migration/source/outgoing-ram.js';
import { PageCache } from '../../lib/migration/source/page-cache.js';
import { PAGE, smallEngine } from '../support/engines.js';
import {
  type AttemptOptions,
  atEach,
  attempt,
  cutAt,
  expectArrived,
  expectStayed,
  type Outcome,
} from '../support/migration/attempt.js';
import { SendingMachine } from '../support/migration/machines.js';
import { MemoryArbiter } from '../support/migration/memory-arbiter.js';

/** Replaces a method or an accessor while `body` runs. */
async function broken<T>(
  target: object,
  name: PropertyKey,
  as: PropertyDescriptor,
  body: () => Promise<T>,
): Promise<T> {
  const own = Object.getOwnPropertyDescriptor(target, name);
  Object.defineProperty(target, name, { configurable: true, ...as });
  try {
    return await body();
  } finally {
    if (own === undefined) Reflect.deleteProperty(target, name);
    else Object.defineProperty(target, name, own);
  }
}

async function failureOf(body: () => Promise<unknown>): Promise<Error> {
  let failure: unknown;
  await body().catch((error) => {
    failure = error;
  });
  expect(failure, 'the bug was seen').to.be.instanceOf(Error);
  return failure as Error;
}

describe('A migration with a planted bug', () => {
  let sender: SendingMachine;

  beforeEach(() => {
    sender = new SendingMachine(smallEngine());
    sender.plug('ram', 100);
    for (let page = 0; page < 100; page += 3) sender.store(page * PAGE, page + 1);
  });

  /** Whoever asks is told what suits it. */
  const flatterer = (arbiter: Arbiter, flattered: Side): Arbiter => ({
    claim: async (side) => (side === flattered ? side : arbiter.claim(side)),
  });

  it('in which the destination starts before it has claimed runs twice', async () => {
    const arbiter = new MemoryArbiter();
    const { message } = await failureOf(() =>
      attempt(sender, {
        source: { arbiter },
        destination: { arbiter: flatterer(arbiter, 'destination') },
        policy: cutAt('running'),
      }),
    );
    expect(message).to.contain('machines that run at once');
  });

  it('in which the source resumes before it has claimed runs twice', async () => {
    const arbiter = new MemoryArbiter();
    const { message } = await failureOf(() =>
      attempt(sender, {
        source: { arbiter: flatterer(arbiter, 'source') },
        destination: { arbiter },
        policy: cutAt('running'),
      }),
    );
    expect(message).to.contain('machines that run at once');
  });

  describe('in which a page leaves the set before it is sent', () => {
    const { collect } = DirtyPages.prototype;
    const lossy: PropertyDescriptor = {
      async value(this: DirtyPages) {
        const added = await collect.call(this);
        this.toSend.delete(30 * PAGE, 1);
        return added;
      },
    };
    const losing = (verify: boolean): Promise<Outcome> => {
      return broken(DirtyPages.prototype, 'collect', lossy, () => attempt(sender, { source: { verify } }));
    };

    it('is found out by the digests', async () => {
      const outcome = await losing(true);
      expectStayed(sender, outcome, 'destination');
      expect(outcome.received).to.include({ reason: 'mismatch' });
    });

    it('is found out by the comparison of the machines, without them', async () => {
      const outcome = await losing(false);
      const { message } = await failureOf(async () => expectArrived(sender, outcome));
      expect(message).to.contain("the contents of 'ram'");
    });
  });

  /** One page is sent, zero, and as it was before. */
  function backAndForth(): Promise<Outcome> {
    let round = 0;
    const options: AttemptOptions = {
      source: { verify: true, downtimeMs: 0 },
      policy: ({ message }) => {
        if (message.type !== 'data' || message.offset + message.bytes.length < 99 * PAGE) return 'pass';
        round++;
        if (round <= 2) {
          sender.store(3 * PAGE, round === 1 ? 0 : 4);
          sender.store(99 * PAGE + 8, round);
        }
        return 'pass';
      },
    };
    return attempt(sender, options);
  }

  it('in which zeroes do not displace what was sent before is found out', async () => {
    expectArrived(sender, await backAndForth());
    const again = new SendingMachine(smallEngine());
    again.plug('ram', 100);
    for (let page = 0; page < 100; page += 3) again.store(page * PAGE, page + 1);
    sender = again;
    const outcome = await broken(PageCache.prototype, 'forget', { value: () => {} }, backAndForth);
    expectStayed(sender, outcome, 'destination');
    expect(outcome.received).to.include({ reason: 'mismatch' });
  });

  it('in which RAM that came when the machine was paused is not seen is found out', async () => {
    sender.saveState = () => {
      if (sender.memory.ram.get('new') === undefined) sender.plug('new', 10, 128 * PAGE);
      return sender.devices;
    };
    const real = Object.getOwnPropertyDescriptor(OutgoingRam.prototype, 'behind') as PropertyDescriptor;
    const blind: PropertyDescriptor = {
      get(this: OutgoingRam) {
        return sender.state === 'running' && real.get?.call(this);
      },
    };
    const outcome = await broken(OutgoingRam.prototype, 'behind', blind, () => attempt(sender));
    const { message } = await failureOf(async () => expectArrived(sender, outcome));
    expect(message).to.contain('same members');
  });

  it('in which a second migration does not begin with all RAM dirty is found out', async () => {
    const first = await attempt(sender, { policy: cutAt('seal') });
    expectStayed(sender, first, 'link');
    const { begin, collect } = DirtyPages.prototype;
    const clean: PropertyDescriptor = {
      async value(this: DirtyPages, ...of: Parameters<typeof begin>) {
        await begin.apply(this, of);
        await collect.call(this);
        this.toSend.delete(0, sender.memory.ram.end);
      },
    };
    const second = await broken(DirtyPages.prototype, 'begin', clean, () =>
      attempt(sender, { source: { verify: true } }),
    );
    expectStayed(sender, second, 'destination');
    expect(second.received).to.include({ reason: 'mismatch' });
  });

  const spoil = atEach('data', (_, { bytes }) => {
    bytes[40]! ^= 4;
  });

  it('in which frames have no checksum is found out by the digests', async () => {
    const outcome = await broken(Digest.prototype, 'fold', { value: () => 0 }, () =>
      attempt(sender, { source: { verify: true }, policy: spoil }),
    );
    expect((outcome.received as MigrationError).reason).to.equal('mismatch');
    expectStayed(sender, outcome, 'destination');
  });

  it('in what lies between is found out by the checksums of the frames', async () => {
    const outcome = await attempt(sender, { policy: spoil });
    expectStayed(sender, outcome, 'destination');
    expect((outcome.received as MigrationError).message).to.contain('a wrong checksum');
  });
});

/**
 * Limits under each model of memory (judges.ts). DL-1: the owner takes the limit away from a reader that goes to sleep
 * for it. DL-2: it sets a limit for a tenant that leaves, and whose slot the next one takes.
 */
import { Header, Meter, Slot, vacantOf } from '../../lib/arena/layout.js';
import { RateLimits } from '../../lib/rate/limits.js';
import { Throttle } from '../../lib/rate/throttle.js';
import { TokenBucket } from '../../lib/rate/token-bucket.js';
import { claimSlot, freeSlot } from '../../lib/rcu/registry.js';
import { LDAPR } from './checker/hardware/mappings.js';
import type { Litmus, Thread } from './checker/litmus.js';
import type { TracedWords } from './checker/traced-words.js';
import { engineThread, initialWords, locationsOf, type World } from './engine-world.js';
import { describeInModels, type Judge } from './judges.js';

const OPTIONS = { dirty: false };
const TENANT = 1;
const LIMIT = 100;
const LOCATIONS = locationsOf(OPTIONS);

const act = (step: (world: World, m: TracedWords) => ReturnType<Thread>): Thread => engineThread(OPTIONS, step);

/** @param leave as the tenant does it */
function litmus(leave: (world: World) => void): Litmus {
  return {
    locations: LOCATIONS,
    initial: initialWords(OPTIONS),
    threads: {
      tenant: act(leave),
      next: act(({ arena }, m) => {
        try {
          claimSlot(arena, TENANT + 1, '');
        } catch (error) {
          m.assume(!(error instanceof RangeError)); // else it came too early
          throw error;
        }
      }),
      owner: act(({ arena }) => void new RateLimits(arena).set(LIMIT, TENANT)),
    },
    afterwards: act(({ vcpu }, m) => ({ limit: m.load(vcpu.meter + Meter.Limit) })),
  };
}

describeInModels('DL-2: a limit', ({ expectNever, expectWitness }) => {
  it('is not inherited by the next tenant of the slot', () => {
    expectNever(
      litmus(({ arena, vcpu }) => freeSlot(arena, vcpu.slot)),
      ({ limit }) => limit !== 0,
      [LDAPR],
    );
  });

  it('broken, removed before the tenant says that it leaves: it is', () => {
    const broken = litmus(({ arena: { words, engineId }, vcpu }) => {
      words.store(vcpu.meter + Meter.Limit, 0);
      words.store(vcpu.slot + Slot.Leaving, 1);
      words.store(vcpu.slot + Slot.Identity, vacantOf(engineId));
    });
    expectWitness(broken, ({ limit }) => limit === LIMIT);
  });
});

const judgeChanges = ({ expectNever, expectWitness }: Judge): void => {
  const asleep = (
    takeAway: (world: World) => void = ({ arena }) => void new RateLimits(arena).set(0),
    sleep: (throttle: Throttle, world: World) => void = (throttle) => throttle.sleep(),
  ): Litmus => ({
    locations: { ...LOCATIONS, limit: Header.Limit, changes: Header.LimitChanges },
    initial: new Map([...initialWords(OPTIONS), [Header.Limit, LIMIT], [LOCATIONS.dirtied as number, LIMIT]]),
    threads: {
      reader: act((world, m) => {
        m.mostEvents = 10; // one round of its loop: each begins anew
        const throttle = new Throttle(world.arena, world.vcpu.slot);
        const bucket = new TokenBucket(LIMIT, 0, 0);
        sleep(Object.assign(throttle, { limit: LIMIT, bucket }), world); // it has found the limit at its last report
      }),
      owner: act(takeAway),
    },
  });

  it('is not slept through', () => {
    expectNever(asleep(), (seen) => seen.asleep === 1);
  });

  it('broken, announced before it is made: it is', () => {
    const broken = asleep(({ arena: { words } }) => {
      words.add(Header.LimitChanges, 1);
      words.notify(Header.LimitChanges);
      words.store(Header.Limit, 0);
    });
    expectWitness(broken, (seen) => seen.asleep === 1);
  });

  it('broken, the limit read before the word on which the reader sleeps: it is', () => {
    const broken = asleep(undefined, (throttle, { arena: { words } }) => {
      throttle.refresh();
      const changes = words.load(Header.LimitChanges);
      if (throttle.isAhead) words.wait(Header.LimitChanges, changes, 1000);
    });
    expectWitness(broken, (seen) => seen.asleep === 1);
  });
};

describeInModels('DL-1: a change of the limit', judgeChanges, { large: true });

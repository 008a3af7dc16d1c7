/**
 * DL-2 under each model of memory (judges.ts): the owner sets a limit for a tenant that leaves, and whose slot the next
 * one takes.
 */
import { Meter, Slot, vacantOf } from '../../lib/arena/layout.js';
import { RateLimits } from '../../lib/rate/limits.js';
import { claimSlot, freeSlot } from '../../lib/rcu/registry.js';
import { LDAPR } from './checker/hardware/mappings.js';
import type { Litmus, Thread } from './checker/litmus.js';
import type { TracedWords } from './checker/traced-words.js';
import { engineThread, initialWords, locationsOf, type World } from './engine-world.js';
import { describeInModels } from './judges.js';

const OPTIONS = { dirty: false };
const TENANT = 1;
const LIMIT = 100;

/** @param leave as the tenant does it */
function litmus(leave: (world: World) => void): Litmus {
  const act = (step: (world: World, m: TracedWords) => ReturnType<Thread>): Thread => engineThread(OPTIONS, step);
  return {
    locations: locationsOf(OPTIONS),
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

/**
 * What a reader has counted, under each model of memory (judges.ts): a look after a grace period finds all of the
 * intervals that the period waited for (GP-6), a look while no reader is online finds all, and a slot's next tenant
 * finds where its own count begins (GP-5).
 */
import { Meter, Slot, vacantOf } from '../../lib/arena/layout.js';
import { countOf } from '../../lib/arena/meter.js';
import { MIGRATION } from '../../lib/index.js';
import { type Reading, readMeter } from '../../lib/rate/readings.js';
import { reportReaders } from '../../lib/rcu/registry.js';
import type { Litmus, Thread } from './checker/litmus.js';
import type { TracedWords } from './checker/traced-words.js';
import { engineThread, initialWords, locationsOf, type World } from './engine-world.js';
import { describeInModels } from './judges.js';

type Act = (world: World, m: TracedWords) => ReturnType<Thread>;

const OPTIONS = { dirty: false };
/** One page before the threads begin, and one in the interval that is looked at. */
const COUNTED = 2;
/** The identity of the slot's next tenant. */
const NEXT = 8;

function litmus(vcpu: Act, owner: Act): Litmus {
  return {
    locations: locationsOf(OPTIONS),
    initial: initialWords(OPTIONS),
    threads: { vcpu: engineThread(OPTIONS, vcpu), owner: engineThread(OPTIONS, owner) },
  };
}

const markThen =
  (leave: (world: World) => void): Act =>
  (world) => {
    world.vcpu.markPage(0, MIGRATION);
    leave(world);
  };

describeInModels('the engine’s own counts', ({ expectNever }) => {
  const lookAfterPeriod: Act = ({ periods, vcpu }, m) => {
    periods.request();
    periods.poll();
    m.assume(!periods.running);
    return { counted: countOf(m, vcpu.meter) };
  };

  /** As operations of stopped vCPUs do (rcu/rcu.ts). */
  const lookWhenStopped: Act = ({ arena, vcpu }, m) => {
    m.assume(reportReaders(arena).every(({ online }) => !online));
    return { counted: countOf(m, vcpu.meter) };
  };

  const leaving = [
    ['going offline', ({ vcpu }: World) => vcpu.goOffline()],
    ['detaching', ({ vcpu }: World) => vcpu.detach()],
  ] as const;
  for (const [end, leave] of leaving) {
    it(`GP-5: have every page of an interval that ended with ${end}, where no reader is online`, () => {
      expectNever(litmus(markThen(leave), lookWhenStopped), ({ counted }) => counted !== COUNTED);
    });
  }

  for (const [end, leave] of [['a report', ({ vcpu }: World) => vcpu.quiescent()], ...leaving] as const) {
    it(`GP-6: have every page of an interval that ended with ${end}`, () => {
      expectNever(litmus(markThen(leave), lookAfterPeriod), ({ counted }) => counted !== COUNTED);
    });
  }

  it('GP-5: are known to the next tenant of the slot, whose own begins there', () => {
    const claim: Act = ({ arena, vcpu }, m) => {
      const vacant = vacantOf(arena.engineId);
      m.assume(m.compareExchange(vcpu.slot + Slot.Identity, vacant, NEXT + 1) === vacant);
      return { before: m.get(vcpu.meter + Meter.Before), counted: countOf(m, vcpu.meter) };
    };
    const shipped = litmus(
      markThen(({ vcpu }) => vcpu.detach()),
      claim,
    );
    expectNever(shipped, ({ before, counted }) => before !== COUNTED || counted !== COUNTED);
  });

  it('GP-5: and to a reading of that tenant, which loads plainly where its own begins', () => {
    const next: Act = ({ arena, vcpu }, m) => {
      const vacant = vacantOf(arena.engineId);
      m.assume(m.compareExchange(vcpu.slot + Slot.Identity, vacant, NEXT + 1) === vacant);
      m.store(vcpu.slot + Slot.Leaving, 0);
    };
    const read: Act = ({ arena }, m) => {
      const reading = readMeter(arena, 0);
      m.assume(reading?.identity === NEXT);
      const { before, dirtied } = reading as Reading;
      return { before, counted: dirtied };
    };
    const shipped = litmus(
      markThen(({ vcpu }) => vcpu.detach()),
      read,
    );
    const threads = { ...shipped.threads, next: engineThread(OPTIONS, next) };
    expectNever({ ...shipped, threads }, ({ before, counted }) => before !== COUNTED || counted !== COUNTED);
  });
});

/** DM-4 under each model of memory (judges.ts): RAM that a vCPU hears of from guest memory, not from the engine. */
import type { Seen } from './checker/event.js';
import type { Litmus } from './checker/litmus.js';
import type { TracedWords } from './checker/traced-words.js';
import { describeInModels, V8_ARM } from './judges.js';
import { LOCATIONS, ROOT } from './protocols.js';

type Step = (m: TracedWords) => void;

describeInModels('DM-4: RAM is announced when it is all dirty', ({ expectNever, expectWitness }) => {
  const ANNOUNCED = 16;
  const LAST_PAGE = 17;
  const BLOCK = 18;
  const plug = (...steps: readonly Step[]): Litmus => plugFor((m) => m.load(LAST_PAGE), ...steps);
  const plugFor = (loadEnd: (m: TracedWords) => number, ...steps: readonly Step[]): Litmus => ({
    locations: { ...LOCATIONS, announced: ANNOUNCED, 'last page': LAST_PAGE, 'new block': BLOCK },
    threads: {
      owner: (m) => {
        for (const step of steps) step(m);
      },
      vcpu: (m) => {
        m.assume(m.load(ANNOUNCED) === 1);
        return { root: m.load(ROOT), end: loadEnd(m), bits: m.get(BLOCK) };
      },
    },
  });
  const fill: Step = (m) => m.set(BLOCK, 1);
  const publish: Step = (m) => m.store(ROOT, 1);
  const extend: Step = (m) => m.store(LAST_PAGE, 1);
  const announce: Step = (m) => m.store(ANNOUNCED, 1);
  const isIncomplete = ({ root, end, bits }: Seen): boolean => root !== 1 || end !== 1 || bits !== 1;

  it('a vCPU that hears of it from another reloads a root and an end that have it, and finds its pages dirty', () => {
    expectNever(plug(fill, publish, extend, announce), isIncomplete);
  });

  it('also where the end is stored plainly, since the announcement orders it', () => {
    const extendPlainly: Step = (m) => m.set(LAST_PAGE, 1);
    expectNever(plug(fill, publish, extendPlainly, announce), isIncomplete);
  });

  it('also where the vCPU loads the end plainly, since the load that hears of it orders it', () => {
    expectNever(
      plugFor((m) => m.get(LAST_PAGE), fill, publish, extend, announce),
      isIncomplete,
    );
  });

  it('broken, announced before the end is stored: a mark to RAM that exists is refused', () => {
    expectWitness(plug(fill, publish, announce, extend), ({ end }) => end !== 1);
  });

  it('broken, filled after it is published: its pages are clean', () => {
    expectWitness(plug(publish, extend, announce, fill), ({ bits }) => bits !== 1);
  });

  it('broken, announced by a plain store: the root is old', () => {
    expectWitness(
      plug(fill, publish, extend, (m) => m.set(ANNOUNCED, 1)),
      ({ root }) => root !== 1,
      V8_ARM,
    );
  });
});

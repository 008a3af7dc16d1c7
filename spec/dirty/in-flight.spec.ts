import fc from 'fast-check';
import { type Client, CODE, MIGRATION, VGA } from '../../lib/index.js';
import { describeEngines, Ground, SWAP_ALL } from '../support/engines.js';
import { itInBothForms } from '../support/long.js';
import { CollectionsInFlight, type Op } from './collections-in-flight.js';

const pick = fc.nat(1000);
const ops: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('plug' as const),
      place: fc.oneof(fc.constantFrom(0, 10, 64, 128), fc.nat(150)),
      pages: fc.integer({ min: 1, max: 70 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('unplug' as const), pick }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom('mark' as const, 'ownerMark' as const), pick }) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('harvest' as const),
      client: fc.constantFrom<Client>(VGA, CODE, CODE, CODE, MIGRATION),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('measure' as const),
      client: fc.constantFrom<Client>(VGA, CODE, CODE, MIGRATION),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('abort' as const), pick }) },
  { weight: 4, arbitrary: fc.constant({ kind: 'report' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'wait' as const }) },
);

describeEngines('collections in flight', (shared) => {
  const ground = new Ground(2 ** 18, shared);

  for (const swaps of [false, true]) {
    const how = swaps ? 'by swapping blocks' : 'word by word';
    const title = `owe each marked page to the next delivery, and show it dirty until then, whatever overlaps, ${how}`;
    itInBothForms(title, 20, 150, async (numRuns) => {
      await fc.assert(
        fc.asyncProperty(fc.array(ops, { maxLength: 40, size: 'max' }), async (sequence) => {
          const options = { pagesPerBlock: 64, maxRamBytes: 4096 * 512, debug: true };
          const memory = ground.engine(options, swaps ? SWAP_ALL : undefined);
          const engine = new CollectionsInFlight(memory, swaps);
          await engine.run({ kind: 'plug', place: 0, pages: 70 });
          for (const op of sequence) await engine.run(op);
          await engine.end();
        }),
        { numRuns },
      );
    });
  }
});

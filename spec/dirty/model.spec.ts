import fc from 'fast-check';
import { ComparedEngine, type Machine } from '../support/compared-engine.js';
import { describeEngines, Ground, SWAP_ALL } from '../support/engines.js';
import { itInBothForms } from '../support/long.js';
import { steps } from '../support/random-steps.js';

const machines: readonly (Omit<Machine, 'swaps'> & { readonly title: string; readonly runs: number })[] = [
  { title: 'pages of 4 KiB, 64 a block', pageSize: 4096, pagesPerBlock: 64, maxPages: 640, base: 0, runs: 300 },
  { title: 'pages of 1 KiB, 128 a block', pageSize: 1024, pagesPerBlock: 128, maxPages: 1000, base: 128, runs: 200 },
  {
    title: 'pages of 64 KiB, 1024 a block',
    pageSize: 65536,
    pagesPerBlock: 1024,
    maxPages: 4096,
    base: 960,
    runs: 150,
  },
  { title: 'one byte a page', pageSize: 1, pagesPerBlock: 64, maxPages: 640, base: 0, runs: 150 },
  {
    title: 'pages around number 2^31',
    pageSize: 4096,
    pagesPerBlock: 2 ** 14,
    maxPages: 2 ** 32,
    base: 2 ** 31 - 70,
    runs: 80,
  },
  {
    title: 'the last pages there can be',
    pageSize: 65536,
    pagesPerBlock: 2 ** 16,
    maxPages: 2 ** 32,
    base: 2 ** 32 - 200,
    runs: 80,
  },
];

describeEngines('dirty memory against a set of pages for each client', (shared) => {
  const ground = new Ground(2 ** 26, shared);

  for (const { title, runs, ...machine } of machines) {
    const agrees = `agrees after every step of an owner and a vCPU: ${title}`;
    itInBothForms(agrees, runs / 10, runs, async (numRuns) => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(steps, { maxLength: 40, size: 'max' }),
          fc.boolean(),
          fc.boolean(),
          fc.constantFrom(1, 90),
          fc.constantFrom(7, 7, 0, 1, 2, 4, 5),
          async (sequence, debug, swaps, firstRam, tracked) => {
            const { pageSize, pagesPerBlock, maxPages } = machine;
            const options = { pageSize, pagesPerBlock, maxRamBytes: maxPages * pageSize, debug, tracked };
            const memory = ground.engine(options, swaps ? SWAP_ALL : undefined);
            const engine = new ComparedEngine(memory, { ...machine, swaps });
            await engine.run({ kind: 'plug', room: 0, pages: firstRam, at: { edge: 0, pages: 0, bytes: 0 } });
            for (const step of sequence) {
              await engine.run(step);
              engine.compare();
            }
            await engine.end();
          },
        ),
        { numRuns },
      );
    });
  }
});

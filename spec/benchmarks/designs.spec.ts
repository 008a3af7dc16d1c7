import { expect } from 'chai';
import fc from 'fast-check';
import { type BlockMessagesOwner, blockMessages } from '../../benchmarks/designs/block-messages.js';
import { checkSteps, SMALL, type Step, stepsOf } from '../../benchmarks/designs/check-steps.js';
import { checkThreads } from '../../benchmarks/designs/check-threads.js';
import type { Design, DesignOwner } from '../../benchmarks/designs/design.js';
import { DESIGN_NAMES, DESIGNS } from '../../benchmarks/designs/designs.js';
import { itLong } from '../support/long.js';
import { expectReject } from '../support/refusals.js';

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.oneof(
    { weight: 8, arbitrary: fc.constant('mark' as const) },
    { weight: 2, arbitrary: fc.constant('mark-range' as const) },
    { weight: 4, arbitrary: fc.constantFrom('plug' as const, 'unplug' as const, 'harvest' as const) },
    { weight: 1, arbitrary: fc.constant('forget' as const) },
  ),
  vcpu: fc.nat(),
  page: fc.nat(),
  length: fc.nat(),
});

/** The design with its owner changed. */
function broken(design: Design, sabotage: (owner: DesignOwner) => void): Design {
  return {
    ...design,
    open: (shape) => {
      const owner = design.open(shape);
      sabotage(owner);
      return owner;
    },
  };
}

describe('Designs that are measured against each other', () => {
  for (const name of DESIGN_NAMES) {
    const design = DESIGNS[name];

    it(`${name}: any marks, plugs, unplugs and collections leave what the model has`, async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 120 }), (steps) => checkSteps(design, steps)),
        { numRuns: 40 },
      );
    });

    it(`${name}: loses no update of threads that store while RAM is plugged and collected`, async () => {
      const { harvests, suspects } = await checkThreads(name, design, 20);
      expect(harvests, 'collections').to.equal(40);
      expect(suspects, 'pages stored to after their copy').to.be.above(200);
    });

    it(`${name}: a collection that misses a page is found by the steps`, async () => {
      const forgetful = broken(design, (owner) => {
        const { taken } = owner;
        owner.taken = (page) => page !== SMALL.basePages + 1 && taken.call(owner, page);
      });
      await expectReject(() => checkSteps(forgetful, stepsOf(200, 1)), Error, 'harvest: page 161 was not taken');
    });
  }

  it('a range mark that misses its last page is found by the steps', async () => {
    for (const name of DESIGN_NAMES) {
      const design: Design = DESIGNS[name];
      const short: Design = {
        ...design,
        attach: (data) => {
          const vcpu = design.attach(data);
          const { markRange } = vcpu;
          vcpu.markRange = (first, end) => {
            if (end - first > 1) markRange.call(vcpu, first, end - 1);
          };
          return vcpu;
        },
      };
      await expectReject(() => checkSteps(short, stepsOf(2000, 1)), Error, 'harvest: ', 'pages newly taken');
    }
  });

  itLong('a collection that does not wait for the vCPUs is found by the threads', async () => {
    const hasty = broken(blockMessages, (owner) => {
      (owner as BlockMessagesOwner).handshake.reported = async () => {};
    });
    await checkSteps(hasty, stepsOf(1000, 1));
    await expectReject(
      () => checkThreads('block-messages', hasty, 10_000),
      Error,
      'was stored to after it was copied, but is not dirty',
    );
  });

  it('a block that is dropped with its pages still dirty is found by the steps', async () => {
    const stale = broken(blockMessages, (owner) => {
      (owner as BlockMessagesOwner).set.remove = () => {};
    });
    await expectReject(() => checkSteps(stale, stepsOf(1000, 1)), Error, 'step', 'harvest: ');
  });
});

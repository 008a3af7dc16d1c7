/** A guest that stores through generated code migrates, because its code counts, and looks at the limits. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import type { UncountedPages } from '../../lib/migration/index.js';
import { generateCode } from '../../scripts/abi-listings.js';
import { itLong } from '../support/long.js';
import { atEach, attempt, expectArrived, expectStayed } from '../support/migration/attempt.js';
import { brokenListing } from './broken-listing.js';
import { GeneratedMachine } from './generated-machine.js';
import { COUNTING_GUEST, TLB_DRIVER } from './generated-session.js';

/** More than the link takes in the downtime that is allowed: it takes 16 in 5 ms. */
const PAGES = 192;

describe('A migration of a guest that stores through generated code as fast as it can', () => {
  let machine: GeneratedMachine;

  beforeEach(() => {
    machine = new GeneratedMachine();
    machine.plug('ram', PAGES, 0);
  });

  afterEach(() => machine.stop());

  /** Over a link that is slower than the guest. */
  async function migrated(changed = {}) {
    await machine.start(
      await generateCode(machine.memory.handle, TLB_DRIVER, { ...COUNTING_GUEST, ...changed }),
      PAGES,
    );
    const told: UncountedPages[] = [];
    let share = 0;
    const outcome = await attempt(machine, {
      source: { downtimeMs: 20, stallMs: 1000, verify: true, cacheBytes: 0 },
      begun: (migration) => {
        migration.on('uncounted', (event) => told.push(event));
        migration.on('progress', ({ throttle }) => {
          share = Math.max(share, throttle);
        });
      },
      policy: atEach('data', () => sleep(5)),
    });
    return { outcome, told, share };
  }

  it('arrives, with all that was stored: it is slowed down', async () => {
    const { outcome, told, share } = await migrated();
    expectArrived(machine, outcome);
    expect(share).to.be.above(0);
    expect(told).to.deep.equal([]);
  });

  itLong('would be found not to count: it stays, and the migration names it', async () => {
    const right = 'store<u32>(meter, load<u32>(meter, BASE + METER_GENERATED) + 1, BASE + METER_GENERATED);';
    const { outcome, told } = await migrated(brokenListing('mark.ts', right, ''));
    const { message } = expectStayed(machine, outcome, 'convergence');
    expect(message).to.contain("'generated' (identity");
    expect(told.map(({ counted, readers }) => [counted, readers.map(({ name }) => name)])).to.deep.equal([
      [0, ['vcpu', 'generated']],
    ]);
  });
});

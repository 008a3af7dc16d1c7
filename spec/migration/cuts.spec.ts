import { expect } from 'chai';
import { MigrationError } from '../../lib/migration/index.js';
import { PAGE, smallEngine } from '../support/engines.js';
import { itLong } from '../support/long.js';
import { attempt, expectArrived, expectEqual, expectStayed, type Outcome } from '../support/migration/attempt.js';
import { SendingMachine } from '../support/migration/machines.js';
import { MemoryArbiter } from '../support/migration/memory-arbiter.js';
import type { Direction, Fate, Policy } from '../support/migration/relay.js';

/** Two blocks; one page of each is filled, and one more is stored to when the first contents go over. */
function machine(): SendingMachine {
  const sender = new SendingMachine(smallEngine());
  sender.plug('low', 20);
  sender.plug('high', 70, 64 * PAGE);
  sender.store(3 * PAGE, 1);
  sender.store(100 * PAGE + 17, 2);
  return sender;
}

function storing(sender: SendingMachine, policy: Policy): Policy {
  let stored = false;
  return (passing) => {
    if (passing.message.type === 'data' && !stored) {
      stored = true;
      sender.store(5 * PAGE, 3);
      sender.store(3 * PAGE + 1, 4);
    }
    return policy(passing);
  };
}

const DIRECTIONS: readonly Direction[] = ['to destination', 'to source'];

/** The messages of a migration that nobody disturbs. */
async function messages(arbiter: boolean): Promise<Record<Direction, string[]>> {
  const types: Record<Direction, string[]> = { 'to destination': [], 'to source': [] };
  const sender = machine();
  const options = arbiter ? { arbiter: new MemoryArbiter() } : {};
  const policy = storing(sender, ({ direction, message }) => {
    types[direction].push(message.type);
    return 'pass';
  });
  expectArrived(sender, await attempt(sender, { policy, source: options, destination: options }));
  return types;
}

async function cutAt(sender: SendingMachine, direction: Direction, index: number, fate: Fate, arbiter?: MemoryArbiter) {
  const options = arbiter === undefined ? {} : { arbiter };
  let struck = false;
  const policy = storing(sender, (passing) => {
    struck ||= passing.direction === direction && passing.index === index;
    return passing.direction === direction && passing.index === index ? fate : 'pass';
  });
  const outcome = await attempt(sender, { policy, source: options, destination: options });
  expect(struck, 'the message came by').to.equal(true);
  return outcome;
}

/** A machine that runs here goes as if nothing had been. */
async function expectMigratable(sender: SendingMachine): Promise<void> {
  sender.store(7 * PAGE, 9);
  expectArrived(sender, await attempt(sender));
}

describe('A link that is cut', () => {
  for (const [fate, define] of [
    ['cut', it],
    ['tear', itLong],
  ] as const) {
    for (const direction of DIRECTIONS) {
      define(`leaves one good machine, with an arbiter: ${fate} at every message ${direction}`, async () => {
        const types = (await messages(true))[direction];
        const winners = new Set<string>();
        for (const [index, type] of types.entries()) {
          const sender = machine();
          const arbiter = new MemoryArbiter();
          const outcome = await cutAt(sender, direction, index, fate, arbiter);
          const { receiver, sent } = outcome;
          const states = [sender.state, receiver.state].join();
          expect(states, `${index}: ${type}`).to.be.oneOf(['running,discarded', 'paused,running']);
          winners.add(states);
          if (receiver.state === 'running') {
            expect(sent).to.include({ confirmed: false });
            expect(arbiter.winner).to.equal('destination');
            expectEqual(sender, receiver);
          } else {
            expectStayed(sender, outcome, 'link');
            await expectMigratable(sender);
          }
        }
        expect(types.length).to.be.at.least(direction === 'to source' ? 2 : 8);
        expect(winners.has('running,discarded')).to.equal(true);
        expect(winners.has('paused,running')).to.equal(direction === 'to source');
      });

      define(`never leaves two machines, without one: ${fate} at every message ${direction}`, async () => {
        const types = (await messages(false))[direction];
        const undecided: string[] = [];
        for (const [index, type] of types.entries()) {
          const sender = machine();
          const outcome = await cutAt(sender, direction, index, fate);
          if (isUndecided(outcome)) {
            expect(sender.state).to.equal('paused');
            undecided.push(`${type}: ${outcome.receiver.state}`);
          } else {
            expectStayed(sender, outcome, 'link');
            await expectMigratable(sender);
          }
        }
        expect(undecided).to.deep.equal(direction === 'to source' ? ['running: running'] : ['commit: discarded']);
      });
    }
  }
});

function isUndecided({ sent }: Outcome): boolean {
  return sent instanceof MigrationError && sent.reason === 'undecided';
}

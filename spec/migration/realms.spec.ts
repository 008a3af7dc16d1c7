import { createContext, runInContext } from 'node:vm';
import { expect } from 'chai';
import { DirtyMemory } from '../../lib/index.js';
import { migrate } from '../../lib/migration/index.js';
import { PAGE, smallEngine } from '../support/engines.js';
import { attempt, expectArrived, expectStayed } from '../support/migration/attempt.js';
import { ReceivingMachine, SendingMachine } from '../support/migration/machines.js';
import { Relay } from '../support/migration/relay.js';
import { expectThrow } from '../support/refusals.js';

const bytesThere = runInContext('(size) => new Uint8Array(size)', createContext({})) as (size: number) => Uint8Array;

describe('A migration whose hooks return bytes', () => {
  it('of another realm arrives', async () => {
    const memory = smallEngine();
    class Foreign extends SendingMachine {
      readonly #bytes = bytesThere(3 * PAGE);
      override contents(): Uint8Array {
        return this.#bytes;
      }
    }
    class Receiver extends ReceivingMachine {
      override plug(place: Parameters<ReceivingMachine['plug']>[0]): Uint8Array {
        const bytes = bytesThere(place.size);
        this.blocks.set(place.id, { offset: place.offset, bytes });
        return bytes;
      }
    }
    const sender = new Foreign(memory);
    sender.devices = bytesThere(2);
    sender.plug('ram', 3);
    sender.store(PAGE + 5, 5);
    expect(bytesThere(1)).to.not.be.instanceOf(Uint8Array);
    const outcome = await attempt(sender, { receiver: new Receiver(PAGE), source: { verify: true } });
    expectArrived(sender, outcome);
  });

  it('that only look like bytes fails, and the machine stays', async () => {
    for (const hook of ['contents', 'saveState'] as const) {
      const sender = new SendingMachine(smallEngine());
      sender.plug('ram', 3);
      sender[hook] = () => Object.create(Uint8Array.prototype);
      const error = expectStayed(sender, await attempt(sender), 'source');
      expect(error.message).to.contain(hook).and.contain('Uint8Array').and.contain('[object');
    }
  });
});

describe('A migration whose hook throws', () => {
  it('an Error of another realm says what it says', async () => {
    const sender = new SendingMachine(smallEngine());
    sender.plug('ram', 3);
    sender.saveState = () => runInContext("throw new RangeError('the disk is full')", createContext({}));
    expect(expectStayed(sender, await attempt(sender), 'source').message).to.contain(
      'saveState failed: the disk is full',
    );
  });
});

describe('An engine that is none', () => {
  it('is refused by migrate, and nothing has begun', async () => {
    const sender = new SendingMachine(smallEngine());
    const relay = await Relay.between();
    for (const memory of [Object.create(DirtyMemory.prototype), Object.create(sender.memory)]) {
      const machine = Object.assign(Object.create(sender), { memory });
      expectThrow(() => migrate(machine, relay.source), TypeError, 'migrate: machine.memory must be a DirtyMemory');
    }
    expect(relay.source.bytesWritten).to.equal(0);
    relay.cut();
  });
});

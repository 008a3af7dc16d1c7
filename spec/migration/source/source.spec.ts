import { expect } from 'chai';
import { type MigrationError, type MigrationFailure, migrate } from '../../../lib/migration/index.js';
import type { Message } from '../../../lib/migration/wire/message.js';
import { PAGE, smallEngine } from '../../support/engines.js';
import { attempt, expectArrived, expectStayed } from '../../support/migration/attempt.js';
import { hello, Impostor, plug } from '../../support/migration/impostor.js';
import { ReceivingMachine, SendingMachine } from '../../support/migration/machines.js';
import { MemoryArbiter } from '../../support/migration/memory-arbiter.js';
import { connectedSockets } from '../../support/migration/sockets.js';

describe('A source', () => {
  let sender: SendingMachine;
  beforeEach(() => {
    sender = new SendingMachine(smallEngine());
    sender.plug('ram', 1000);
    for (let page = 0; page < 1000; page++) sender.store(page * PAGE, page + 1);
  });

  async function refusal(messages: readonly Message[], stallMs?: number, deaf = false) {
    const { source, destination } = await connectedSockets();
    const impostor = new Impostor(destination);
    const { result } = migrate(sender, source, stallMs === undefined ? {} : { stallMs });
    if (deaf) impostor.stopReading();
    impostor.say(...messages);
    const alive = setInterval(() => impostor.say({ type: 'alive' }), 5);
    const error = (await result.catch((caught: MigrationError) => caught)) as MigrationError;
    clearInterval(alive);
    expect(error.name).to.equal('MigrationError');
    expect(sender.state).to.equal('running');
    destination.destroy();
    return error;
  }

  const bad: Record<string, { says: readonly Message[]; reason?: MigrationFailure; because: string }> = {
    'is greeted by a source': { says: [hello('source')], because: 'both ends are a source' },
    'gets a receipt for what it has not sent': { says: [{ type: 'taken', bytes: 2 ** 40 }], because: 'the peer took' },
    'hears what only a source says': { says: [hello('destination'), plug()], because: "'plug' was not expected" },
    'hears that its machine runs when it has not sent it': {
      says: [hello('destination'), { type: 'running' }],
      because: "'running' was not expected",
    },
    'is told that nothing comes of it': {
      says: [hello('destination'), { type: 'abort', because: 'there is no room' }],
      reason: 'destination',
      because: 'the destination gave up: there is no room',
    },
  };
  for (const [what, { says, reason = 'protocol', because }] of Object.entries(bad)) {
    it(`that ${what} keeps its machine`, async () => {
      const error = await refusal(says);
      expect(error.message).to.contain(because);
      expect(error.reason).to.equal(reason);
    });
  }

  it('whose destination is alive, and takes nothing, gives up', async () => {
    const error = await refusal([hello('destination')], 600, true);
    expect(error.reason).to.equal('timeout');
    expect(error.message).to.contain('took nothing for 600 ms');
  });

  it('whose destination takes all, and says only that it is alive, gives up', async () => {
    const { source, destination } = await connectedSockets();
    const impostor = new Impostor(destination);
    impostor.takeAll();
    const { result } = migrate(sender, source, { stallMs: 200 });
    const alive = setInterval(() => impostor.say({ type: 'alive' }), 10);
    const error = await result.catch((caught: MigrationError) => caught);
    clearInterval(alive);
    expect(error).to.include({ reason: 'timeout' });
    expect(sender.state).to.equal('running');
    destination.destroy();
  });

  it('that is refused may go elsewhere', async () => {
    await refusal([hello('source')]);
    expectArrived(sender, await attempt(sender));
  });

  for (const arbiter of [new MemoryArbiter(), undefined]) {
    it(`whose destination does not come to an end takes its machine back, ${arbiter ? 'with' : 'without'} an arbiter`, async () => {
      const options = arbiter === undefined ? {} : { arbiter };
      const receiver = new ReceivingMachine(PAGE);
      let result: Promise<unknown> = Promise.resolve();
      receiver.loadState = () => result.then(() => {}).catch(() => {});
      const outcome = await attempt(sender, {
        receiver,
        source: { ...options, stallMs: 1000 },
        destination: options,
        begun: (migration) => {
          result = migration.result;
        },
      });
      expect(expectStayed(sender, outcome, 'timeout').message).to.contain('did not start within 1000 ms');
    });
  }

  const throwing: Record<string, (machine: SendingMachine) => void> = {
    contents: (machine) => {
      machine.contents = () => new Uint8Array(1);
    },
    pause: (machine) => {
      machine.pause = () => {
        throw new Error('it will not stop');
      };
    },
    saveState: (machine) => {
      machine.saveState = () => {
        throw new Error('no state');
      };
    },
  };
  for (const [name, spoil] of Object.entries(throwing)) {
    it(`whose ${name} fails keeps its machine, and the cause`, async () => {
      spoil(sender);
      const outcome = await attempt(sender);
      const { message, cause } = expectStayed(sender, outcome, 'source');
      expect(message).to.contain(name);
      if (name !== 'contents') expect(cause).to.be.instanceOf(Error);
    });
  }

  for (const [what, claim] of Object.entries({
    'does not answer': () => Promise.reject(new Error('out of reach')),
    throws: () => {
      throw new Error('out of order');
    },
    'answers nonsense': () => Promise.resolve('both' as never),
  })) {
    it(`whose arbiter ${what} is undecided, and so is its destination`, async () => {
      const arbiter = { claim };
      const outcome = await attempt(sender, { source: { arbiter }, destination: { arbiter } });
      expect(outcome.sent).to.include({ reason: 'undecided' });
      expect(outcome.received).to.include({ reason: 'undecided' });
      expect([sender.state, outcome.receiver.state]).to.deep.equal(['paused', 'arriving']);
    });
  }
});

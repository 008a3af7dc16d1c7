import { expect } from 'chai';
import { type MigrationError, migrate, receive } from '../../lib/migration/index.js';
import type { Message } from '../../lib/migration/wire/message.js';
import { PAGE, smallEngine } from '../support/engines.js';
import { attempt, expectArrived, expectStayed, type Outcome } from '../support/migration/attempt.js';
import { digests, hello, Impostor, plug, seal } from '../support/migration/impostor.js';
import { ReceivingMachine, SendingMachine } from '../support/migration/machines.js';
import { connectedSockets } from '../support/migration/sockets.js';

const PAGES = 100;

describe('RAM that is not equal at the end', () => {
  let sender: SendingMachine;

  beforeEach(() => {
    sender = new SendingMachine(smallEngine());
    sender.plug('low', PAGES, 0);
    sender.plug('high', PAGES, 128 * PAGE);
    for (let page = 0; page < PAGES; page++) sender.store(page * PAGE, page + 1);
  });

  /** Migrates; at the ram_addrs a store is made that is not marked, when all has gone over. */
  async function withUnmarked(stores: readonly number[], source = {}): Promise<Outcome> {
    sender.pause = () => {
      sender.log.push('pause');
      sender.state = 'paused';
      for (const addr of stores) {
        const block = sender.memory.ram.find(addr);
        if (block !== undefined) sender.contents(block)[addr - block.offset]! ^= 1;
      }
    };
    return attempt(sender, { source: { verify: true, ...source } });
  }

  it('is named by both ends: which pages of which RAM block', async () => {
    const outcome = await withUnmarked([3 * PAGE, 4 * PAGE + 9, 60 * PAGE, (128 + 99) * PAGE + 4095]);
    const unequal = [
      { id: 'low', start: 3 * PAGE, length: 2 * PAGE },
      { id: 'low', start: 60 * PAGE, length: PAGE },
      { id: 'high', start: 99 * PAGE, length: PAGE },
    ];
    const ranges = "bytes 0x3000 to 0x5000 of 'low', 0x3c000 to 0x3d000 of 'low', 0x63000 to 0x64000 of 'high'";
    const sent = expectStayed(sender, outcome, 'destination');
    expect(sent.message).to.equal(`the destination gave up: RAM is not equal to the source's: ${ranges}`);
    expect(sent.unequal).to.deep.equal(unequal);
    const received = outcome.received as MigrationError;
    expect(received.reason).to.equal('mismatch');
    expect(received.message).to.equal(`RAM is not equal to the source's: ${ranges}`);
    expect(received.unequal).to.deep.equal(unequal);
  });

  it('is named in no more than sixteen ranges', async () => {
    const outcome = await withUnmarked(Array.from({ length: PAGES / 2 }, (_, i) => 2 * i * PAGE));
    for (const error of [expectStayed(sender, outcome, 'destination'), outcome.received as MigrationError]) {
      expect(error.unequal).to.have.lengthOf(16);
      expect(error.message).to.match(/, and perhaps more$/);
    }
  });

  it('does not keep the machine from going when it has been marked', async () => {
    expectStayed(sender, await withUnmarked([7 * PAGE]), 'destination');
    sender.pause = SendingMachine.prototype.pause;
    const again = await attempt(sender, { source: { verify: true } });
    expect(expectArrived(sender, again).verified).to.equal(true);
    expect(again.sent).to.not.have.property('unequal');
  });

  it('is named in parts of 64 KiB where pages are larger', async () => {
    const page = 2 ** 17;
    sender = new SendingMachine(smallEngine({ pageSize: page, maxRamBytes: 2 ** 24 }));
    sender.plug('ram', 4, 0);
    for (let at = 0; at < 4; at++) sender.store(at * page, 1);
    const outcome = await withUnmarked([page + 2 ** 16]);
    const unequal = [{ id: 'ram', start: page + 2 ** 16, length: 2 ** 16 }];
    expect(expectStayed(sender, outcome, 'destination').unequal).to.deep.equal(unequal);
    expect((outcome.received as MigrationError).unequal).to.deep.equal(unequal);
  });

  it('is what it is when pages were given away: they count as zero', async () => {
    const outcome = await attempt(sender, {
      source: { verify: true },
      begun: (migration) => {
        migration.on('progress', ({ round, phase }) => {
          if (round === 1 && phase === 'copying') void migration.skip(10 * PAGE, 30 * PAGE).catch(() => {});
        });
      },
    });
    expect(expectArrivedApart(outcome)).to.equal(true);
  });

  /** Skipped pages are zero there, whatever they are here. */
  function expectArrivedApart({ sent }: Outcome): boolean {
    return (sent as { verified?: boolean }).verified === true;
  }

  async function asked(says: (heard: Message) => readonly Message[], options = {}) {
    const machine = new ReceivingMachine(PAGE);
    const { source, destination } = await connectedSockets();
    const impostor: Impostor = new Impostor(source, (message) => impostor.say(...says(message)));
    impostor.say(hello('source'), plug(), seal({ verify: true }), digests(), { type: 'end' });
    const error = (await receive(machine, destination, options).catch((caught) => caught)) as MigrationError;
    expect(machine.state).to.equal('discarded');
    source.destroy();
    return { error, heard: impostor.heard };
  }

  it('is a mismatch, in parts of 64 KiB, where the source says nothing of its pages', async () => {
    const answers = {
      goes: { type: 'abort', because: 'I will not say' },
      'says that they are equal': { type: 'parts', block: 0, offset: 0, digests: new Uint8Array() },
    } as const;
    const { error } = await asked(({ type }) => (type === 'inspect' ? [answers.goes] : []));
    expect(error.reason).to.equal('mismatch');
    expect(error.unequal).to.deep.equal([{ id: 'ram', start: 0, length: 4 * PAGE }]);
    const odd = await asked(({ type }) => (type === 'inspect' ? [answers['says that they are equal']] : []));
    expect(odd.error).to.include({ reason: 'protocol' });
  });

  describe('as a source hears of it', () => {
    async function refused(...says: readonly Message[]) {
      const { source, destination } = await connectedSockets();
      const impostor: Impostor = new Impostor(destination, ({ type }) => {
        if (type === 'end') impostor.say(...says);
      });
      const { result } = migrate(sender, source, { verify: true });
      impostor.say(hello('destination'));
      impostor.takeAll();
      const error = (await result.catch((caught) => caught)) as MigrationError;
      expect(sender.state).to.equal('running');
      destination.destroy();
      return { error, heard: impostor.heard };
    }
    const inspect = (offset = 0): Message => ({ type: 'inspect', block: 0, offset });
    const differs = (fields = {}): Message => ({ type: 'differs', block: 0, offset: 0, length: PAGE, ...fields });

    for (const [what, says] of Object.entries<readonly Message[]>({
      'a RAM block that there is not': [{ ...inspect(), block: 7 } as Message],
      'a place between digests': [inspect(PAGE)],
      'a place past the end': [inspect(2 ** 20)],
      'more places than a destination looks at': Array.from({ length: 17 }, () => inspect()),
      'bytes past a block': [differs({ offset: (PAGES - 1) * PAGE, length: 2 * PAGE })],
      'no bytes': [differs({ length: 0 })],
      'more ranges than are told': Array.from({ length: 17 }, () => differs()),
    })) {
      it(`is a violation where it is of ${what}`, async () => {
        const { error } = await refused(...says);
        expect(error).to.include({ reason: 'protocol' });
        expect(error.message).to.contain('protocol violation by the destination');
      });
    }

    it('is not asked about, nor told, while the machine runs', async () => {
      for (const message of [inspect(), differs()]) {
        const { source, destination } = await connectedSockets();
        const { result } = migrate(sender, source, { verify: true });
        new Impostor(destination).say(hello('destination'), message);
        const error = await result.catch((caught) => caught);
        expect(error.message).to.contain(`'${message.type}' was not expected`);
        destination.destroy();
      }
    });
  });
});

/** Strings that cross the wire, in both directions. */
import { expect } from 'chai';
import { printable } from '../../../lib/base/printable.js';
import { type MigrationError, migrate, receive } from '../../../lib/migration/index.js';
import { reasonOf } from '../../../lib/migration/wire/message.js';
import { PAGE, smallEngine } from '../../support/engines.js';
import { atFirst, attempt, expectStayed } from '../../support/migration/attempt.js';
import { hello, Impostor, plug } from '../../support/migration/impostor.js';
import { ReceivingMachine, SendingMachine } from '../../support/migration/machines.js';
import { connectedSockets } from '../../support/migration/sockets.js';
import { expectThrow } from '../../support/refusals.js';

/** Clears screens, sets titles, begins lines, turns text around, is half a character. */
const NASTY = '\x1b[2J\x1b]0;title\x07\r\nINFO all is well\u2028\u202e\x9b1m\ud800';

function expectPrintable(text: string): void {
  expect(text).to.match(/^[^\p{C}\p{Zl}\p{Zp}]*$/u);
  expect(text.length).to.be.below(400);
}

describe("A peer's text", () => {
  it('is shown in one line, without what cannot be shown, and no more of it than is said', () => {
    expect(printable('plain: ä, 日本, 🙂', 100)).to.equal('plain: ä, 日本, 🙂');
    expect(printable('a\x1b[2Jb\nc\u2028d\u202ee\ud800', 100)).to.equal('a�[2Jb�c�d�e�');
    expect(printable('x'.repeat(101), 100)).to.equal(`${'x'.repeat(99)}…`);
    expect(printable(`${'x'.repeat(98)}🙂🙂`, 100)).to.equal(`${'x'.repeat(98)}�…`);
  });

  it('is cut to what a message takes, at the end of a character', () => {
    expect(reasonOf('x'.repeat(300))).to.equal('x'.repeat(256));
    expect(reasonOf('日'.repeat(300))).to.equal('日'.repeat(85));
    expect(reasonOf('short')).to.equal('short');
  });

  it('is printable in the errors of a destination', async () => {
    const id = NASTY.repeat(4).slice(0, 255).toWellFormed();
    const bad = [
      [plug({ id, offset: 1 })],
      [plug({ id }), plug({ id, block: 1 })],
      [plug({ id }), plug({ id: 'b', block: 1 })],
      [plug({ id }), { type: 'zero', block: 0, offset: 0, length: PAGE } as const],
      [{ type: 'abort', because: NASTY.repeat(4).slice(0, 200).toWellFormed() } as const],
    ];
    for (const messages of bad) {
      const machine = new ReceivingMachine(PAGE);
      const { source, destination } = await connectedSockets();
      const received = receive(machine, destination).catch((error: MigrationError) => error);
      new Impostor(source).say(hello('source'), ...messages);
      const error = (await received) as MigrationError;
      expect(error.message).to.contain('INFO all is well');
      expectPrintable(error.message);
      source.destroy();
    }
  });

  it('is printable in the errors of a destination whose hook repeats it', async () => {
    const id = NASTY.toWellFormed();
    const sender = new SendingMachine(smallEngine());
    sender.plug(id, 4);
    const receiver = new ReceivingMachine(PAGE);
    receiver.plug = (place) => {
      throw new Error(`no room for ${place.id}`);
    };
    const { received } = await attempt(sender, { receiver });
    expectPrintable((received as MigrationError).message);
    expect(((received as MigrationError).cause as Error).message).to.contain(id);
    const other = new ReceivingMachine(PAGE);
    other.plug = ((place: { id: string }) => place.id.repeat(1000)) as never;
    expectPrintable(((await attempt(sender, { receiver: other })).received as MigrationError).message);
  });

  it('is printable in the errors of a source', async () => {
    const sender = new SendingMachine(smallEngine());
    const { source, destination } = await connectedSockets();
    const { result } = migrate(sender, source);
    new Impostor(destination).say(hello('destination'), { type: 'abort', because: NASTY.toWellFormed() });
    const error = (await result.catch((caught) => caught)) as MigrationError;
    expect(error.message).to.contain('INFO all is well');
    expectPrintable(error.message);
    destination.destroy();
  });

  it('is printable where a stream gives text', async () => {
    const { source, destination } = await connectedSockets();
    source.setEncoding('latin1');
    destination.write(NASTY.repeat(1000));
    const error = await migrate(new SendingMachine(smallEngine()), source).result.catch((caught) => caught);
    expectPrintable(error.message);
    expect(error.message).to.contain('must be a Uint8Array, got text');
    destination.destroy();
  });
});

describe('A peer', () => {
  const secret = "ENOSPC: '/secret/ram-0' token=abc";
  const fail = (): never => {
    throw new Error(secret);
  };

  for (const name of ['contents', 'pause', 'saveState'] as const) {
    it(`is told that ${name} of the source has failed, and not what it has thrown`, async () => {
      const sender = new SendingMachine(smallEngine());
      sender.plug('ram', 4);
      sender[name] = fail;
      const outcome = await attempt(sender);
      expect(expectStayed(sender, outcome, 'source').message).to.contain(secret);
      expect((outcome.received as MigrationError).message).to.equal(`the source gave up: ${name} failed`);
    });
  }

  it('is not told what a hook has returned', async () => {
    const sender = new SendingMachine(smallEngine());
    sender.plug('ram', 4);
    sender.contents = (() => secret) as never;
    const outcome = await attempt(sender);
    expect(expectStayed(sender, outcome, 'source').message).to.contain(secret);
    expect((outcome.received as MigrationError).message).to.not.contain('secret');
  });

  it('is not told what an arbiter has said', async () => {
    const sender = new SendingMachine(smallEngine());
    const arbiter = { claim: async () => secret as never };
    const outcome = await attempt(sender, { source: { arbiter }, destination: { arbiter } });
    const told = outcome.relay.passed.map(({ message }) => (message.type === 'abort' ? message.because : ''));
    expect(told.join()).to.contain('the arbiter did not say who runs').and.not.contain('secret');
    expect((outcome.received as MigrationError).message).to.contain(secret);
  });

  it('is not told which vCPU the engine waits for', async () => {
    const sender = new SendingMachine(smallEngine());
    sender.plug('ram', 4);
    await sender.memory.close().catch(() => {});
    const other = new SendingMachine(smallEngine());
    other.plug('ram', 4);
    const outcome = await attempt(other, { policy: atFirst('plug', () => void other.memory.close()) });
    const { message } = expectStayed(other, outcome, 'source');
    expect(message).to.contain('the source failed: ');
    expect((outcome.received as MigrationError).message).to.equal('the source gave up: the source failed');
  });

  it('is told what this end itself objects to', async () => {
    const sender = new SendingMachine(smallEngine());
    sender.plug('ram', 4);
    const outcome = await attempt(sender, { destination: { maxRamBytes: PAGE } });
    const { message } = expectStayed(sender, outcome, 'destination');
    expect(message).to.equal(`the destination gave up: more RAM than maxRamBytes, ${PAGE} bytes`);
  });
});

describe("A RAM block's id", () => {
  it('has at most 255 characters, here and on the wire', async () => {
    const sender = new SendingMachine(smallEngine());
    expectThrow(() => sender.plug('x'.repeat(256), 1), RangeError, 'plug: id must be at most 255 characters', 256);
    expect([...sender.memory.ram]).to.be.empty;
    sender.plug('日'.repeat(255), 1);
    const { receiver } = await attempt(sender);
    expect([...receiver.blocks.keys()]).to.deep.equal(['日'.repeat(255)]);
  });
});

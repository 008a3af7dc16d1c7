import type { Socket } from 'node:net';
import { expect } from 'chai';
import { type ByteStream, MigrationError, migrate, receive } from '../../../lib/migration/index.js';
import { PAGE, smallEngine } from '../../support/engines.js';
import { expectEqual } from '../../support/migration/attempt.js';
import { ReceivingMachine, SendingMachine } from '../../support/migration/machines.js';
import { connectedSockets, type SocketPair } from '../../support/migration/sockets.js';
import { expectReject, expectThrow, uncaughtDuring } from '../../support/refusals.js';

type Oddity = Partial<Record<keyof ByteStream, unknown>>;

/** An adapter as an embedder might write it, in which something is not as it should be. */
function adapter(socket: Socket, oddity: Oddity = {}): ByteStream {
  return {
    write: (bytes: Uint8Array) => socket.write(bytes),
    end: () => socket.end(),
    destroy: () => socket.destroy(),
    on: (event: string, listener: () => void) => socket.on(event, listener),
    off: (event: string, listener: () => void) => socket.off(event, listener),
    [Symbol.asyncIterator]: () => socket[Symbol.asyncIterator](),
    ...oddity,
  } as ByteStream;
}

function fail(): never {
  throw new Error('the adapter broke');
}

/** Works so many times. */
function failing(socket: Socket, times: number): Oddity {
  let left = times;
  return { write: (bytes: Uint8Array) => (left-- > 0 ? socket.write(bytes) : fail()) };
}

function reading(chunks: (socket: Socket) => AsyncIterable<unknown>): (socket: Socket) => Oddity {
  return (socket) => ({ [Symbol.asyncIterator]: () => chunks(socket)[Symbol.asyncIterator]() });
}

async function* mapped(socket: Socket, map: (chunk: Buffer) => unknown): AsyncGenerator<unknown> {
  for await (const chunk of socket) yield map(chunk as Buffer);
}

describe('A stream that is not what it should be', () => {
  let sender: SendingMachine;
  let receiver: ReceivingMachine;
  let sockets: SocketPair;

  beforeEach(async () => {
    sender = new SendingMachine(smallEngine());
    sender.plug('ram', 30);
    for (let page = 0; page < 30; page++) sender.store(page * PAGE, page + 1);
    receiver = new ReceivingMachine(PAGE);
    sockets = await connectedSockets();
  });
  afterEach(() => {
    sockets.source.destroy();
    sockets.destination.destroy();
  });

  /** @returns what both ends make of it */
  async function ends(side: 'source' | 'destination', oddity: (socket: Socket) => Oddity, stallMs = 10_000) {
    const { source, destination } = sockets;
    const options = { stallMs };
    const [here, there] = [adapter(source), adapter(destination)];
    Object.assign(side === 'source' ? here : there, oddity(sockets[side]));
    const settle = (promise: Promise<unknown>) => promise.catch((error: unknown) => error);
    const received = settle(receive(receiver, there, options));
    const sent = settle(migrate(sender, here, options).result);
    return { sent: await sent, received: await received };
  }

  const broken: Record<string, (socket: Socket) => Oddity> = {
    'cannot be written to': () => ({ write: fail }),
    'cannot be written to any more after the greeting': (socket) => failing(socket, 2),
    'says nothing of how full it is': (socket) => ({ write: (bytes: Uint8Array) => void socket.write(bytes) }),
    'cannot be read': () => ({ [Symbol.asyncIterator]: fail }),
    'has no iterator': () => ({ [Symbol.asyncIterator]: () => undefined }),
    'is read as nothing at all': () => ({ [Symbol.asyncIterator]: () => ({ next: async () => undefined }) }),
    'is read as text': reading((socket) => mapped(socket, (chunk) => chunk.toString('latin1'))),
    'is read as buffers without a view': reading((socket) => mapped(socket, (chunk) => new Uint8Array(chunk).buffer)),
    'is read as wider numbers': reading((socket) => mapped(socket, (chunk) => new Float64Array(chunk))),
  };
  for (const side of ['source', 'destination'] as const) {
    for (const [what, oddity] of Object.entries(broken)) {
      it(`leaves the machine at the source when that of the ${side} ${what}`, async () => {
        const uncaught = await uncaughtDuring(async () => {
          const outcome = await ends(side, oddity);
          const odd = outcome[side === 'source' ? 'sent' : 'received'];
          expect(odd).to.be.instanceOf(MigrationError).and.have.property('reason', 'link');
          expect(outcome.sent).to.be.instanceOf(MigrationError);
          expect(outcome.received).to.be.instanceOf(MigrationError);
        });
        expect(uncaught).to.be.empty;
        expect([sender.state, receiver.state]).to.deep.equal(['running', 'discarded']);
      });
    }

    it(`keeps nobody when that of the ${side} cannot be ended or destroyed`, async () => {
      const uncaught = await uncaughtDuring(async () => {
        await ends(side, () => ({ end: fail, destroy: fail }));
        await new Promise((resolve) => setTimeout(resolve, 1100)); // longer than a goodbye lingers
      });
      expect(uncaught).to.be.empty;
      expect([sender.state, receiver.state]).to.deep.equal(['paused', 'running']);
    });

    it(`does not matter when that of the ${side} gives one byte at a time`, async () => {
      async function* single(socket: Socket): AsyncGenerator<Uint8Array> {
        for await (const chunk of socket) for (const byte of chunk as Buffer) yield Uint8Array.of(byte);
      }
      const { sent } = await ends(side, reading(single));
      expect(sent).to.not.be.instanceOf(Error);
      expectEqual(sender, receiver);
    });

    it(`ends a migration when that of the ${side} never drains`, async () => {
      const full = (socket: Socket): Oddity => ({ write: (bytes: Uint8Array) => socket.write(bytes) && false });
      const { sent, received } = await ends(side, full, 600);
      expect(sent).to.be.instanceOf(MigrationError);
      expect(received).to.be.instanceOf(MigrationError);
      expect([sender.state, receiver.state]).to.deep.equal(['running', 'discarded']);
    });

    it(`ends a migration when that of the ${side} gives garbage without end, at once`, async () => {
      async function* garbage(): AsyncGenerator<Uint8Array> {
        for (;;) yield Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
      }
      const outcome = await ends(side, reading(garbage));
      expect(outcome[side === 'source' ? 'sent' : 'received']).to.include({ reason: 'protocol' });
      expect([sender.state, receiver.state]).to.deep.equal(['running', 'discarded']);
    });
  }

  it('is refused with its own error when it cannot be listened to, and nothing has begun', async () => {
    const odd = adapter(sockets.source, { on: fail });
    expectThrow(() => migrate(sender, odd), Error, 'the adapter broke');
    await expectReject(() => receive(receiver, odd), Error, 'the adapter broke');
    expect(receiver.log).to.be.empty;
    const { sent } = await ends('source', () => ({}));
    expect(sent).to.not.be.instanceOf(Error);
  });

  it('may have been destroyed, or ended, before', async () => {
    sockets.destination.destroy();
    expect(await migrate(sender, sockets.source).result.catch((error) => error)).to.include({ reason: 'link' });
    expect(sender.state).to.equal('running');
    const second = await connectedSockets();
    second.source.end();
    expect(await migrate(sender, second.source).result.catch((error) => error)).to.include({ reason: 'link' });
    second.destination.destroy();
    await expectReject(() => receive(receiver, sockets.destination), MigrationError, 'connection');
    expect(receiver.state).to.equal('discarded');
  });

  it('may be of two sources, or of two destinations: each is told', async () => {
    const other = new SendingMachine(smallEngine());
    const results = [migrate(sender, sockets.source).result, migrate(other, sockets.destination).result];
    for (const result of results) expect(await result.catch((error) => error)).to.include({ reason: 'protocol' });
    expect([sender.state, other.state]).to.deep.equal(['running', 'running']);
    const second = await connectedSockets();
    const machines = [receiver, new ReceivingMachine(PAGE)];
    const ends = machines.map((machine, i) => receive(machine, i === 0 ? second.source : second.destination));
    for (const end of ends) expect(await end.catch((error) => error)).to.include({ reason: 'protocol' });
    expect(machines.map(({ state }) => state)).to.deep.equal(['discarded', 'discarded']);
  });
});

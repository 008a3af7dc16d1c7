import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect } from 'chai';
import { FrameWriter, PREFACE } from '../../../lib/migration/wire/frame.js';
import type { MessageType } from '../../../lib/migration/wire/message.js';
import { type Passing, Relay } from '../../../lib/stress/migration/relay.js';

describe("The judge's wire between two hosts", () => {
  let relay: Relay;
  let source: Socket;
  let destination: Socket;
  let seen: MessageType[];
  let received: Buffer;

  async function open(onMessage: (type: MessageType) => Passing | Promise<Passing>): Promise<void> {
    seen = [];
    received = Buffer.alloc(0);
    relay = await Relay.open(undefined, async (type) => {
      seen.push(type);
      return onMessage(type);
    });
    source = connect(relay.ports.source, '127.0.0.1').setNoDelay(true);
    destination = connect(relay.ports.destination, '127.0.0.1');
    for (const socket of [source, destination]) socket.on('error', () => {});
    destination.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
    });
  }

  /** Resolves when so many bytes have come. */
  async function arrival(bytes: number): Promise<void> {
    while (received.length < bytes) await once(destination, 'data');
  }

  afterEach(() => {
    relay.close();
    source.destroy();
    destination.destroy();
  });

  it('passes every message on when it is whole, wherever chunks end', async () => {
    await open(() => undefined);
    const writer = new FrameWriter();
    let sent = Buffer.from(PREFACE);
    source.write(PREFACE);
    await arrival(sent.length);
    for (const cut of [1, 15, 16, 17, 40]) {
      const frames = Buffer.concat([
        writer.frame({ type: 'data', block: 1, offset: 0, bytes: new Uint8Array(cut) }),
        writer.frame({ type: 'end' }),
      ]);
      source.write(frames.subarray(0, cut));
      await new Promise((resolve) => setTimeout(resolve, 5)); // a chunk of its own, or else the case is an easier one
      source.write(frames.subarray(cut));
      sent = Buffer.concat([sent, frames]);
      await arrival(sent.length);
    }
    expect(received.equals(sent)).to.equal(true);
    expect(seen).to.deep.equal(Array(5).fill(['data', 'end']).flat());
  });

  for (const part of [0, 0.5, 1]) {
    it(`is cut when ${part} of a message has gone over`, async () => {
      await open((type) => (type === 'end' ? part : undefined));
      const frame = new FrameWriter().frame({ type: 'end' });
      source.write(Buffer.concat([PREFACE, frame, frame]));
      await once(destination, 'close');
      expect(received).to.have.lengthOf(PREFACE.length + part * frame.length);
    });
  }

  it('holds a message until what it is asked has been answered', async () => {
    let asked: () => void = () => {};
    let answer: () => void = () => {};
    const wasAsked = new Promise<void>((resolve) => {
      asked = resolve;
    });
    await open(() => {
      asked();
      return new Promise<undefined>((resolve) => {
        answer = () => resolve(undefined);
      });
    });
    const frame = new FrameWriter().frame({ type: 'end' });
    source.write(Buffer.concat([PREFACE, frame]));
    await wasAsked;
    await arrival(PREFACE.length);
    expect(received).to.have.lengthOf(PREFACE.length);
    answer();
    await arrival(PREFACE.length + frame.length);
  });
});

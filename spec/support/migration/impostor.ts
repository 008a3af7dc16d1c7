/** A peer that speaks the protocol and does not keep to it. */
import type { Socket } from 'node:net';
import { FrameReader, FrameWriter, PREFACE } from '../../../lib/migration/wire/frame.js';
import type { Message, MessageOf } from '../../../lib/migration/wire/message.js';
import { PAGE } from '../engines.js';

/** One end of a wire that says whatever it is told to. */
export class Impostor {
  readonly heard: Message[] = [];
  private readonly socket: Socket;
  private readonly writer = new FrameWriter();
  private taking = false;
  private bytesTaken = 0;

  /** @param listen is told of each message that comes */
  constructor(socket: Socket, listen: (message: Message) => void = () => {}) {
    this.socket = socket;
    socket.write(PREFACE);
    const reader = new FrameReader();
    socket.on('data', (chunk) => {
      this.bytesTaken += chunk.length;
      for (const message of reader.read(chunk)) {
        this.heard.push(structuredClone(message));
        listen(message);
      }
      if (this.taking) this.say({ type: 'taken', bytes: this.bytesTaken });
    });
  }

  say(...messages: readonly Message[]): void {
    for (const message of messages) this.sayBytes(this.frame(message));
  }

  /** The next message, for `sayBytes`. */
  frame(message: Message): Uint8Array {
    return this.writer.frame(message);
  }

  sayBytes(bytes: Uint8Array): void {
    if (this.socket.writable) this.socket.write(bytes);
  }

  /** Tells a source from now on that it has taken all that came. */
  takeAll(): void {
    this.taking = true;
    this.say({ type: 'taken', bytes: this.bytesTaken });
  }

  /** Reads no more. */
  stopReading(): void {
    this.socket.pause();
  }
}

export const hello = (from: 'source' | 'destination'): Message => ({
  type: 'hello',
  from,
  pageSize: PAGE,
  arbiter: false,
});
export const plug = (fields: Partial<MessageOf<'plug'>> = {}): Message => {
  const { size = 4 * PAGE } = fields;
  return { type: 'plug', block: 0, offset: 0, size, maxSize: size, id: 'ram', ...fields };
};
export const data = (fields: object = {}): Message => ({
  type: 'data',
  block: 0,
  offset: 0,
  bytes: new Uint8Array(PAGE).fill(1),
  ...fields,
});
export const seal = (fields: object = {}): Message => ({ type: 'seal', stateBytes: 0, verify: false, ...fields });
export const digests = (fields: object = {}): Message => {
  return { type: 'digests', block: 0, offset: 0, digests: new Uint8Array(16), ...fields };
};

/** A peer that speaks the protocol and does not keep to it. */
import type { Socket } from 'node:net';
import { FrameReader, FrameWriter, PREFACE } from '../../../lib/migration/frame.js';
import type { Message } from '../../../lib/migration/message.js';
import { PAGE } from '../engines.js';

/** One end of a wire that says whatever it is told to. */
export class Impostor {
  readonly heard: Message[] = [];
  private readonly socket: Socket;
  private readonly writer = new FrameWriter();

  constructor(socket: Socket) {
    this.socket = socket;
    socket.write(PREFACE);
    const reader = new FrameReader();
    socket.on('data', (chunk) => {
      for (const message of reader.read(chunk)) this.heard.push(structuredClone(message));
    });
  }

  say(...messages: readonly Message[]): void {
    for (const message of messages) this.socket.write(this.writer.frame(message));
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
export const plug = (fields: object = {}): Message => {
  return { type: 'plug', block: 0, offset: 0, size: 4 * PAGE, id: 'ram', ...fields };
};
export const data = (fields: object = {}): Message => ({
  type: 'data',
  block: 0,
  offset: 0,
  bytes: new Uint8Array(16),
  ...fields,
});
export const seal = (fields: object = {}): Message => ({ type: 'seal', stateBytes: 0, verify: false, ...fields });

/**
 * A wire between two processes that knows where messages end: each is passed on, held, lost with the connection, or torn in
 * the middle, as the spec says when it comes by.
 */
import type { Socket } from 'node:net';
import { FrameReader, PREFACE } from '../../../lib/migration/wire/frame.js';
import type { Message } from '../../../lib/migration/wire/message.js';
import { connectedSockets, type SocketPair } from './sockets.js';

export type Direction = 'to destination' | 'to source';
/** `cut` loses the message with the connection, which is reset; `tear` lets half of it through and then closes. */
export type Fate = 'pass' | 'cut' | 'tear';

export interface Passing {
  readonly direction: Direction;
  /** Of the direction's messages without `taken` and `alive`, of which there are as many as chance has it. */
  readonly index: number;
  readonly message: Message;
  /** The frame, which may be spoilt. */
  readonly bytes: Uint8Array;
}

export type Policy = (passing: Passing) => Fate | Promise<Fate>;

export class Relay {
  /** For the two ends of the migration. */
  readonly source: Socket;
  readonly destination: Socket;
  /** Everything that came by, with `taken` and `alive`. */
  readonly passed: { readonly direction: Direction; readonly message: Message }[] = [];
  private readonly near: Socket;
  private readonly far: Socket;
  private readonly policy: Policy;

  private constructor(first: SocketPair, second: SocketPair, policy: Policy) {
    this.source = first.source;
    this.near = first.destination;
    this.far = second.source;
    this.destination = second.destination;
    this.policy = policy;
    this.run(this.near, this.far, 'to destination').catch(() => this.cut());
    this.run(this.far, this.near, 'to source').catch(() => this.cut());
  }

  static async between(policy: Policy = () => 'pass'): Promise<Relay> {
    return new Relay(await connectedSockets(), await connectedSockets(), policy);
  }

  cut(): void {
    this.near.destroy();
    this.far.destroy();
  }

  private reset(): void {
    this.near.resetAndDestroy();
    this.far.resetAndDestroy();
  }

  private async run(from: Socket, to: Socket, direction: Direction): Promise<void> {
    const reader = new FrameReader();
    let pending = Buffer.alloc(0);
    let index = 0;
    let prefaced = false;
    for await (const chunk of from) {
      pending = Buffer.concat([pending, chunk as Buffer]);
      for (;;) {
        const length = prefaced ? frameLength(pending) : PREFACE.length;
        if (length === undefined || pending.length < length) break;
        const frame = pending.subarray(0, length);
        pending = pending.subarray(length);
        const [message] = [...reader.read(frame)];
        if (message !== undefined) {
          const copy: Message = message.type === 'data' ? { ...message, bytes: message.bytes.slice() } : message;
          this.passed.push({ direction, message: copy });
          const counted = message.type !== 'taken' && message.type !== 'alive';
          const fate = counted ? await this.policy({ direction, index: index++, message: copy, bytes: frame }) : 'pass';
          if (fate === 'cut') return this.reset();
          if (fate === 'tear') {
            to.write(frame.subarray(0, length / 2), () => this.cut());
            return;
          }
        }
        prefaced = true;
        to.write(frame);
      }
    }
    to.end();
  }
}

function frameLength(bytes: Buffer): number | undefined {
  return bytes.length < 16 ? undefined : 16 + Math.ceil(bytes.readUInt32LE(0) / 16) * 16;
}

/**
 * The link between the two hosts, which the judge controls: it can limit the bandwidth, hold a message back, or cut the
 * link within a message, when a fault is due.
 */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { FrameReader, PREFACE } from '../../migration/wire/frame.js';
import type { MessageType } from '../../migration/wire/message.js';

/**
 * The part of a message, from 0 to 1, that passes before the link is cut; undefined when the whole message passes and
 * nothing is cut.
 */
export type Passing = number | undefined;

export class Relay {
  /** Limit in bytes per second for each direction; undefined for no limit. */
  bandwidth: number | undefined;
  /** Nothing passes before this time, in `performance.now()` milliseconds. */
  stalledUntil = 0;
  private readonly onMessage: ((type: MessageType) => Promise<Passing>) | undefined;
  private readonly servers: readonly Server[];
  private readonly sockets: Socket[] = [];
  private torn = false;

  /** @param onMessage called for each message; left out, the relay passes bytes without looking for messages */
  static async open(bandwidth?: number, onMessage?: (type: MessageType) => Promise<Passing>): Promise<Relay> {
    const servers = [createServer({ allowHalfOpen: true }), createServer({ allowHalfOpen: true })];
    await Promise.all(servers.map((server) => once(server.listen(0, '127.0.0.1'), 'listening')));
    return new Relay(servers, bandwidth, onMessage);
  }

  private constructor(servers: readonly Server[], bandwidth: number | undefined, onMessage: Relay['onMessage']) {
    this.servers = servers;
    this.bandwidth = bandwidth;
    this.onMessage = onMessage;
    const connections = servers.map((server) => new Promise<Socket>((resolve) => server.once('connection', resolve)));
    for (const connection of connections) {
      void connection.then((socket) => {
        socket.setNoDelay(true);
        socket.on('error', () => this.cut());
        this.sockets.push(socket);
        if (this.torn) socket.destroy();
      });
    }
    void Promise.all(connections).then(([source, destination]) => {
      this.carry(source as Socket, destination as Socket);
      this.carry(destination as Socket, source as Socket);
    });
  }

  /** The ports to which the source and the destination connect. */
  get ports(): { readonly source: number; readonly destination: number } {
    const [source, destination] = this.servers.map((server) => (server.address() as AddressInfo).port);
    return { source: source as number, destination: destination as number };
  }

  cut(): void {
    this.torn = true;
    for (const socket of this.sockets) socket.destroy();
  }

  close(): void {
    this.cut();
    for (const server of this.servers) server.close();
  }

  private carry(from: Socket, to: Socket): void {
    const pump = this.onMessage === undefined ? this.bytes(from, to) : this.messages(from, to, this.onMessage);
    pump.then(() => to.end()).catch(() => this.cut());
  }

  private async bytes(from: Socket, to: Socket): Promise<void> {
    const pace = new Pace();
    for await (const chunk of from) await this.pass(chunk, to, pace);
  }

  private async messages(from: Socket, to: Socket, onMessage: (type: MessageType) => Promise<Passing>): Promise<void> {
    const pace = new Pace();
    const reader = new FrameReader();
    let pending = Buffer.alloc(0);
    let prefaced = false;
    for await (const chunk of from) {
      pending = Buffer.concat([pending, chunk]);
      for (;;) {
        const whole = prefaced ? frameLength(pending) : PREFACE.length;
        if (pending.length < whole) break;
        prefaced = true;
        const frame = pending.subarray(0, whole);
        pending = pending.subarray(whole);
        const [message] = reader.read(frame);
        const part = message === undefined ? undefined : await onMessage(message.type);
        await this.pass(part === undefined ? frame : frame.subarray(0, Math.floor(part * whole)), to, pace);
        if (part !== undefined) return this.cut();
      }
    }
  }

  /** Resolves when the next bytes may be passed. */
  private async pass(bytes: Uint8Array, to: Socket, pace: Pace): Promise<void> {
    const stallMs = this.stalledUntil - performance.now();
    if (stallMs > 0) await sleep(stallMs);
    if (this.bandwidth !== undefined) await pace.keep(bytes.length, this.bandwidth);
    await new Promise<void>((resolve, reject) => to.write(bytes, (error) => (error ? reject(error) : resolve())));
  }
}

/** Limits the bytes per second of one direction. */
class Pace {
  private dueAt = 0;

  async keep(bytes: number, perSecond: number): Promise<void> {
    const now = performance.now();
    this.dueAt = Math.max(now, this.dueAt) + (bytes / perSecond) * 1000;
    // Shorter delays are beyond the resolution of timers.
    if (this.dueAt - now >= 2) await sleep(this.dueAt - now);
  }
}

/** Size of a frame's head in bytes; frames are padded to a multiple of this. */
const HEAD = 16;

/** @param bytes begin with a frame, and contain at least its whole head */
function frameLength(bytes: Buffer): number {
  return bytes.length < HEAD ? HEAD : HEAD + Math.ceil(bytes.readUInt32LE(0) / HEAD) * HEAD;
}

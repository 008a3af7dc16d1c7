/** The other process of a move. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { Tracking } from './hart-module.js';
import type { Arrival, Receiving } from './migrating.js';

/** A process of `migrating.ts`, connected and ready to receive a machine. */
export class Destination {
  private readonly process: ChildProcess;
  readonly socket: Socket;

  /** @param rounds that the guest is to do there, at least, before it is stopped */
  static async start(harts: number, tracking: Tracking, rounds: number): Promise<Destination> {
    const file = fileURLToPath(new URL('./migrating.ts', import.meta.url));
    const register = new URL('../../scripts/register.mjs', import.meta.url).href;
    const child = fork(file, [String(harts), tracking, String(rounds)], { execArgv: ['--import', register] });
    const [{ port }] = (await once(child, 'message')) as [Receiving];
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return new Destination(child, socket);
  }

  private constructor(child: ChildProcess, socket: Socket) {
    this.process = child;
    this.socket = socket;
  }

  /** Resolves with what became of the machine, when the process has ended. */
  async arrival(): Promise<Arrival> {
    const ended = once(this.process, 'exit');
    const arrived = once(this.process, 'message');
    const [arrival] = await Promise.race([arrived, ended]);
    await ended;
    if (typeof arrival !== 'object' || arrival === null)
      throw new Error('the other process ended before it had a machine');
    return arrival as Arrival;
  }

  async kill(): Promise<void> {
    const ended = once(this.process, 'exit');
    this.process.kill();
    await ended;
  }
}

/** A process to which machines move: `receive` over TCP, and then rounds of the guest that arrived. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { receive } from 'dirtymem/migration';
import { GuestMachine, type Verdict } from './guest-machine.js';
import type { Tracking } from './hart-module.js';
import { Machine } from './machine.js';

export interface Arrival {
  readonly verdict: Verdict;
  /** The state as it arrived, in base64. */
  readonly state: string;
  /** How far the guest's clock had come when the machine arrived and when the guest had stopped, in ticks. */
  readonly times: readonly [arrived: string, stopped: string];
}

export interface Receiving {
  readonly port: number;
}

const [harts = '', tracking = '', rounds = ''] = process.argv.slice(2);

class Receiver extends Machine {
  state = '';
  arrived = 0n;

  override loadState(state: Uint8Array): void {
    this.state = Buffer.from(state).toString('base64');
    super.loadState(state);
    this.arrived = this.time;
  }
}

async function main(): Promise<void> {
  const machine = new Receiver({ harts: Number(harts), tracking: tracking as Tracking });
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const connected = once(server, 'connection');
  process.send?.({ port: (server.address() as { port: number }).port } satisfies Receiving);
  const [socket] = await connected;
  server.close();
  await receive(machine, socket);
  const guest = await GuestMachine.around(machine, { tracking: tracking as Tracking });
  await guest.rounds(Number(rounds));
  const verdict = await guest.finish();
  const times = [String(machine.arrived), String(machine.time)] as const;
  process.send?.({ verdict, state: machine.state, times } satisfies Arrival);
  await guest.close();
  process.disconnect();
}

await main();

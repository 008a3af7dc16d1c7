/** The process to which a Linux machine moves: it receives the machine, and goes on with the terminal. */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { receive } from 'dirtymem/migration';
import type { Tracking } from '../../spec/machine/hart-module.js';
import { Machine } from '../../spec/machine/machine.js';
import { interruptible } from '../interruption.js';
import { type DestinationArguments, LinuxSession } from './linux-session.js';

const [harts, tracking, harvestMs] = process.argv.slice(2) as unknown as DestinationArguments;
const machine = new Machine({ harts: Number(harts), tracking: tracking as Tracking });
const server = createServer().listen(0, '127.0.0.1');
await once(server, 'listening');
const connected = once(server, 'connection');
process.send?.((server.address() as AddressInfo).port);
const [socket] = await connected;
server.close();
await receive(machine, socket);
const options = { machine, tracking: tracking as Tracking, harvestMs: Number(harvestMs) };
const session = await LinuxSession.begin(options, interruptible());
process.exitCode = await session.end();

/** The option `--queue`, and how commands use the server that it names. */
import { type Command, Option } from 'commander';
import { QueueError, Server } from './queue/server.js';

export const ENVIRONMENT =
  '\nThe URL may also be in DIRTYMEM_QUEUE, and user and password in DIRTYMEM_QUEUE_USERNAME and ' +
  'DIRTYMEM_QUEUE_PASSWORD, where other users of the machine cannot see them.';

/** It has no parser of its own, because Commander repeats what a parser refuses, and the URL may have a password. */
export function queueOption(): Option {
  return new Option('--queue <url>', 'redis://HOST:PORT, or rediss:// for TLS').env('DIRTYMEM_QUEUE');
}

/** Connects, and disconnects at the end. Mistakes are reported as those of the command line. */
export async function withServer(url: string, command: Command, use: (server: Server) => Promise<void>): Promise<void> {
  let server: Server | undefined;
  try {
    server = await Server.connect(url, log);
    await use(server);
  } catch (error) {
    if (!(error instanceof QueueError)) throw error;
    command.error(`error: campaign: ${error.message}`);
  } finally {
    server?.close();
  }
}

export function log(message: string): void {
  console.error(`${new Date().toISOString()} ${message}`);
}

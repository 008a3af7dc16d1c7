/** A real server of queues, Redis or Valkey, with a folder of its own: for specs that kill it and start it again. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The server's program: what REDIS names, which must then be right, or one on the PATH; undefined where there is none. */
export const REDIS = process.env.REDIS || ['redis-server', 'valkey-server'].find(runs);

function runs(program: string): boolean {
  try {
    return execFileSync(program, ['--version'], { stdio: ['ignore', 'pipe', 'ignore'] }).length > 0;
  } catch {
    return false;
  }
}

export class RedisServer {
  readonly url: string;
  readonly port: number;
  private readonly folder = mkdtempSync(join(tmpdir(), 'dirtymem-redis-'));
  private readonly flags: readonly string[];
  private child: ChildProcess | undefined;

  /** Resolves when it answers. @param flags of the server's program, besides */
  static async start(flags: readonly string[] = []): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), flags);
    await server.begin();
    return server;
  }

  private constructor(port: number, flags: readonly string[]) {
    this.port = port;
    this.flags = flags;
    this.url = `redis://127.0.0.1:${port}`;
  }

  /** With what its append-only file has. */
  async begin(): Promise<void> {
    this.child = spawn(
      REDIS as string,
      [
        ...[
          this.flags.includes('--tls-cert-file') ? '--tls-port' : '--port',
          `${this.port}`,
          '--bind',
          '127.0.0.1',
          '--dir',
          this.folder,
          '--save',
          '',
        ],
        ...['--appendonly', 'yes', '--appendfsync', 'everysec'],
        ...this.flags,
      ],
      { stdio: 'ignore' },
    );
    while (!(await accepts(this.port))) await new Promise((resolve) => setTimeout(resolve, 20));
  }

  /** As by `kill -9`. */
  async kill(): Promise<void> {
    if (this.child === undefined || this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill('SIGKILL');
    await once(this.child, 'exit');
  }

  /** As when its disk is lost. */
  async killAndForget(): Promise<void> {
    await this.kill();
    rmSync(join(this.folder, 'appendonlydir'), { recursive: true });
  }

  async end(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true });
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  const accepted = await new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
  });
  socket.destroy();
  return accepted;
}

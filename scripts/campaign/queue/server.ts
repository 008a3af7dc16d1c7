/**
 * The server that holds the queue: Redis or Valkey, spoken to by BullMQ and ioredis. These are loaded only here, because
 * only `--queue` needs them. No message has the server's password, however it was given.
 */
import type * as BullMQ from 'bullmq';
import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { QUEUE_PACKAGES } from './packages.js';

/** All keys on the server begin with this. */
const PREFIX = 'dirtymem';
/** A command that is not answered for so long ends its connection; then the client connects again. */
const SOCKET_TIMEOUT_MS = 30_000;
const MOST_RETRY_MS = 5_000;
const PASSWORD_HINT = '; give its password in the URL or in DIRTYMEM_QUEUE_PASSWORD';

/** A mistake of the user, or a server that cannot be used: the command ends with exit code 2. */
export class QueueError extends Error {}

export class Server {
  /** Where the server is, without user and password. */
  readonly place: string;
  readonly bullmq: typeof BullMQ;
  readonly redis: Redis;

  /**
   * @param url `redis://` or, with TLS, `rediss://`; user and password may be in it, or in the environment
   * @param log told of the connection, when it is lost and when it is there again
   * @throws (rejects) QueueError when packages are missing, or the server cannot be used
   */
  static async connect(url: string, log: (message: string) => void): Promise<Server> {
    const options = optionsOf(url);
    const place = `${options.host}:${options.port}`;
    const [bullmq, ioredis] = await loadPackages();
    const redis = new ioredis.Redis({
      ...options,
      lazyConnect: true,
      maxRetriesPerRequest: null,
      socketTimeout: SOCKET_TIMEOUT_MS,
      retryStrategy: (times: number) => Math.min(200 * times, MOST_RETRY_MS),
    });
    const failure = new Promise<never>((_, reject) => redis.once('error', reject));
    try {
      await Promise.race([redis.connect().then(() => redis.ping()), failure]);
    } catch (error) {
      redis.disconnect();
      const { message } = error as Error;
      const hint = message.startsWith('NOAUTH') ? PASSWORD_HINT : '';
      throw new QueueError(`the queue's server ${place} cannot be used: ${message}${hint}`);
    }
    failure.catch(() => {}); // from now on, errors are those of a connection that comes back
    logConnection(redis, place, log);
    return new Server(place, bullmq, redis);
  }

  private constructor(place: string, bullmq: typeof BullMQ, redis: Redis) {
    this.place = place;
    this.bullmq = bullmq;
    this.redis = redis;
  }

  /** The queue of a build's runs: workers of another build have another one. To be closed. */
  queueOf(build: string): Queue {
    const streams = { events: { maxLen: 100 } }; // nobody reads them: the jobs themselves say how they are
    return new this.bullmq.Queue(queueName(build), { ...this.connection, streams });
  }

  /** Whether it has its data again after it was killed. */
  async survives(): Promise<boolean> {
    return /^aof_enabled:1/m.test(await this.redis.info('persistence'));
  }

  /** What every queue and worker of BullMQ is made with. */
  get connection(): { readonly connection: Redis; readonly prefix: string } {
    return { connection: this.redis, prefix: PREFIX };
  }

  key(name: string): string {
    return `${PREFIX}:${name}`;
  }

  /** The key of what BullMQ keeps of a build's runs: the list of a state, or a job. */
  keyOf(build: string, what: string): string {
    return this.key(`${queueName(build)}:${what}`);
  }

  close(): void {
    this.redis.disconnect();
  }
}

export function queueName(build: string): string {
  return `runs-${build}`;
}

/** @returns the names of the machines that have workers of a queue */
export async function hostsOf(queue: Queue): Promise<string[]> {
  const workers = await queue.getWorkers();
  return [...new Set(workers.map(({ rawname = '' }) => rawname.split(':w:')[1] ?? 'unknown'))].sort();
}

interface ServerOptions {
  readonly host: string;
  readonly port: number;
  readonly db: number;
  readonly username?: string;
  readonly password?: string;
  readonly tls?: object;
}

/** Exported for its spec. @throws QueueError, which does not repeat the URL: it may have a password */
export function optionsOf(url: string, env: NodeJS.ProcessEnv = process.env): ServerOptions {
  const given = URL.canParse(url) ? new URL(url) : undefined;
  const database = /^\/?(\d{0,4})$/.exec(given?.pathname ?? '-')?.[1];
  const isRedis = given?.protocol === 'redis:' || given?.protocol === 'rediss:';
  if (!isRedis || given.hostname === '' || database === undefined) {
    throw new QueueError(
      '--queue must be a URL: redis://HOST:PORT, with /NUMBER of the database, or rediss:// for TLS',
    );
  }
  const username = decoded(given.username) || env.DIRTYMEM_QUEUE_USERNAME;
  const password = decoded(given.password) || env.DIRTYMEM_QUEUE_PASSWORD;
  return {
    host: given.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: given.port === '' ? 6379 : Number(given.port),
    db: Number(database),
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(given.protocol === 'rediss:' ? { tls: {} } : {}),
  };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new QueueError('--queue: in user and password of a URL, a % that is none of an escape is written %25');
  }
}

async function loadPackages() {
  try {
    return await Promise.all([import('bullmq'), import('ioredis')]);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new QueueError(
      `--queue needs more packages: npm install ${QUEUE_PACKAGES.join(' ')} (${(error as Error).message})`,
    );
  }
}

function logConnection(redis: Redis, place: string, log: (message: string) => void): void {
  let lost = false;
  let why = '';
  redis.on('error', ({ message }) => {
    if (message !== why) log(`no connection to the queue's server ${place} (${message}); trying again`);
    why = message;
    lost = true;
  });
  redis.on('close', () => {
    if (!lost && redis.status !== 'end') log(`the connection to the queue's server ${place} was lost; trying again`);
    lost = true;
  });
  redis.on('ready', () => {
    if (lost) log(`connected to the queue's server ${place} again`);
    lost = false;
    why = '';
  });
}

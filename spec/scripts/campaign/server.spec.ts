/** What a user is told of the queue's server, and that no password is in it. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { type RunResult, readResults } from '../../../lib/stress/campaign/results-file.js';
import { optionsOf } from '../../../scripts/campaign/queue/server.js';
import { runScript } from '../../support/command-line.js';
import { itLong } from '../../support/long.js';
import { REDIS, RedisServer } from '../../support/redis-server.js';

const SECRET = 'open-sesame';

describe('The URL of a queue', () => {
  it('has host, port, database, user and password, and TLS by its protocol', () => {
    expect(optionsOf('redis://localhost', {})).to.deep.equal({ host: 'localhost', port: 6379, db: 0 });
    expect(optionsOf('rediss://me:p%40ss@[::1]:1234/5', {})).to.deep.equal({
      host: '::1',
      port: 1234,
      db: 5,
      username: 'me',
      password: 'p@ss',
      tls: {},
    });
  });

  it('may leave user and password to the environment', () => {
    const env = { DIRTYMEM_QUEUE_USERNAME: 'me', DIRTYMEM_QUEUE_PASSWORD: SECRET };
    expect(optionsOf('redis://h', env)).to.include({ username: 'me', password: SECRET });
    expect(optionsOf('redis://you:yours@h', env)).to.include({ username: 'you', password: 'yours' });
  });

  it('is refused when its password has a % that is none of an escape', () => {
    expect(() => optionsOf(`redis://:100%${SECRET}@h`, {}))
      .to.throw('a % that is none of an escape is written %25')
      .with.property('message')
      .not.include(SECRET);
  });

  it('is refused without being repeated, because it may have a password', () => {
    for (const url of [`http://:${SECRET}@h`, `redis:${SECRET}`, `redis://:${SECRET}@h/x`, `:${SECRET}@h`, '']) {
      expect(() => optionsOf(url, {}), url)
        .to.throw('--queue must be a URL')
        .with.property('message')
        .not.include(SECRET);
    }
  });
});

describe('The command line of campaigns over a queue', () => {
  let folder: string;
  let campaign: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'dirtymem-queue-'));
    campaign = join(folder, 'campaign.json');
    writeFileSync(campaign, JSON.stringify({ kind: 'litmus', rounds: 1000, misuseRounds: 0, seeds: 2 }));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  interface Ended {
    readonly code: number | null;
    readonly output: string;
  }

  function start(args: readonly string[], env: Readonly<Record<string, string>> = {}, flags: readonly string[] = []) {
    const all = ['--import', './scripts/register.mjs', ...flags, 'scripts/dirtymem.ts', ...args];
    const child = spawn(process.execPath, all, { env: { ...process.env, ...env } });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
    return { child, ended: once(child, 'close').then(([code]): Ended => ({ code, output })) };
  }

  const run = (...args: Parameters<typeof start>): Promise<Ended> => start(...args).ended;

  it('says which packages are missing, and works without them otherwise', async () => {
    const flags = ['--import', './spec/scripts/campaign/without-queue.mjs'];
    const { code, output } = await run(['campaign', campaign, '--queue', 'redis://localhost'], {}, flags);
    expect(code, output).to.equal(2);
    expect(output).to.include('npm install bullmq ioredis');
  });

  itLong('says that there is no server, or that it is no URL, without the password', async () => {
    const env = { DIRTYMEM_QUEUE_PASSWORD: SECRET };
    for (const [url, part] of [
      [`redis://:${SECRET}@127.0.0.1:1`, "the queue's server 127.0.0.1:1 cannot be used"],
      [`http://:${SECRET}@127.0.0.1`, '--queue must be a URL'],
    ] as const) {
      const { code, output } = await run(['campaign', 'status', '--queue', url], env);
      expect(code, output).to.equal(2);
      expect(output).to.include(part).and.not.include(SECRET);
    }
  });

  itLong(
    'makes a campaign, shows it, and takes it from the server, which has a password that nobody tells',
    async function (this: Mocha.Context) {
      if (REDIS === undefined) this.skip();
      const server = await RedisServer.start(['--requirepass', SECRET, '--appendonly', 'no']);
      const env = { DIRTYMEM_QUEUE: server.url, DIRTYMEM_QUEUE_PASSWORD: SECRET };
      const worker = start(['campaign-worker', '--jobs', '2'], env);
      try {
        const html = join(folder, 'page.html');
        const outputs = [
          await run(['campaign', 'status'], { ...env, DIRTYMEM_QUEUE_PASSWORD: 'wrong' }),
          await run(['campaign', 'status'], { DIRTYMEM_QUEUE: server.url }),
          await run(['campaign', campaign, '--html', html], env),
          await run(['campaign', 'status'], env),
        ];
        const [wrong, none, made, status] = outputs as [Ended, Ended, Ended, Ended];
        expect(wrong.code, wrong.output).to.equal(2);
        expect(none.code, none.output).to.equal(2);
        expect(none.output).to.include('give its password in the URL or in DIRTYMEM_QUEUE_PASSWORD');
        expect(made.code, made.output).to.equal(0);
        expect(made.output).to.include('PASS: 2 of 2 runs passed').and.to.include('has no append-only file');
        expect(status.output).to.include('2 of 2').and.to.include('done');
        const id = /│ ([0-9a-f]{12}) │/.exec(status.output)?.[1] ?? '';
        const removed = await run(['campaign', 'remove', id], env);
        expect(removed.output).to.include('2 runs and results were removed');
        const empty = await run(['campaign', 'status'], env);
        expect(empty.output).to.include('has no campaign');
        worker.child.kill('SIGTERM');
        const stopped = await worker.ended;
        expect(stopped.code, stopped.output).to.equal(0);
        for (const { output } of [...outputs, removed, empty, stopped]) expect(output).not.to.include(SECRET);
        for (const file of readdirSync(folder)) {
          expect(readFileSync(join(folder, file), 'utf8'), file).not.to.include(SECRET);
        }
      } finally {
        worker.child.kill('SIGKILL');
        await worker.ended;
        await server.end();
      }
    },
  );

  itLong('shrinks a run that failed, by workers of a server', async function (this: Mocha.Context) {
    if (REDIS === undefined) this.skip();
    const sabotage = 'harvest-without-grace-period';
    writeFileSync(campaign, JSON.stringify({ kind: 'interleavings', schedules: 1000, sabotage }));
    const server = await RedisServer.start();
    const env = { DIRTYMEM_QUEUE: server.url };
    const worker = start(['campaign-worker', '--jobs', '2'], env);
    try {
      const made = await run(['campaign', campaign], env);
      expect(made.code, made.output).to.equal(1);
      const results = join(folder, 'campaign.results.jsonl');
      const { code, output } = await run(['campaign', 'shrink', results, '--tries', '2'], env);
      expect(code, output).to.equal(0);
      const { repeat, found } = readResults(results)[0] as RunResult;
      expect(output).to.include(`${found}: ${repeat}`);
      const shortest = /^repeat: npm run check:interleavings -- (.* --schedules 100 .*)$/m.exec(output)?.[1];
      expect(shortest, output).to.be.a('string');
      const repeated = await runScript('scripts/check-interleavings.ts', `${shortest}`.split(' '));
      expect(repeated.code, repeated.output).to.equal(1);
    } finally {
      worker.child.kill('SIGKILL');
      await worker.ended;
      await server.end();
    }
  });

  itLong('speaks TLS to a server whose certificate it knows, and to no other', async function (this: Mocha.Context) {
    const key = join(folder, 'key.pem');
    const certificate = join(folder, 'certificate.pem');
    if (REDIS === undefined || !makeCertificate(key, certificate)) this.skip();
    const files = ['--tls-cert-file', certificate, '--tls-key-file', key, '--tls-ca-cert-file', certificate];
    const server = await RedisServer.start([...files, '--tls-auth-clients', 'no', '--port', '0']);
    try {
      const status = ['campaign', 'status', '--queue', `rediss://127.0.0.1:${server.port}`];
      const known = await run(status, { NODE_EXTRA_CA_CERTS: certificate });
      expect(known.code, known.output).to.equal(0);
      expect(known.output).to.include('has no campaign');
      const unknown = await run(status);
      expect(unknown.code, unknown.output).to.equal(2);
      expect(unknown.output).to.include('self-signed certificate');
    } finally {
      await server.end();
    }
  });
});

/** @returns whether there is a program that makes them */
function makeCertificate(key: string, certificate: string): boolean {
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const files = ['-keyout', key, '-out', certificate];
  const args = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...names, ...files];
  return spawnSync('openssl', args, { stdio: 'ignore' }).status === 0;
}

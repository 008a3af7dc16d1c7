/**
 * A campaign over a real server, with producers and workers that are processes of their own, so that each can be killed;
 * and the judge, which knows only what the runs' processes wrote into their log, and the results files.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readCampaign } from '../../../lib/stress/campaign/campaign-file.js';
import type { RunResult } from '../../../lib/stress/campaign/results-file.js';
import { loading, type Mutant } from '../../mutants/mutant.js';
import { RedisServer } from '../../support/redis-server.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

export interface Started {
  readonly child: ChildProcess;
  /** What it has printed so far. */
  readonly said: () => string;
  /** Resolves with its exit code when it has ended and all is read. */
  readonly ended: Promise<number | null>;
}

interface WorkerOptions {
  readonly build?: string;
  readonly url?: string;
  readonly leaseSeconds?: number;
  readonly jobs?: number;
}

export class Scene {
  readonly server: RedisServer;
  readonly folder = mkdtempSync(join(tmpdir(), 'dirtymem-queue-'));
  /** The campaign's file. */
  readonly campaign = join(this.folder, 'campaign.json');
  private readonly mutant: Mutant | undefined;
  private readonly started: Started[] = [];
  private readonly files = new Map<string, string>();

  /** @param seeds of the campaign's runs. @param mutant that producers and workers load in place of the source */
  static async set(seeds: readonly number[], mutant?: Mutant): Promise<Scene> {
    return new Scene(await RedisServer.start(), seeds, mutant);
  }

  private constructor(server: RedisServer, seeds: readonly number[], mutant: Mutant | undefined) {
    this.server = server;
    this.mutant = mutant;
    writeFileSync(this.campaign, JSON.stringify({ seeds }));
  }

  async end(): Promise<void> {
    for (const { child } of this.started) child.kill('SIGKILL');
    await Promise.all(this.started.map(({ ended }) => ended));
    await this.server.end();
    rmSync(this.folder, { recursive: true });
  }

  /** A lease of minutes: a run comes back in time only if it is given back. */
  worker(
    name: string,
    { build = 'A', url = this.server.url, leaseSeconds = 600, jobs = 1 }: WorkerOptions = {},
  ): Started {
    return this.start('worker.ts', [url, build, `${leaseSeconds}`, `${jobs}`], { WORKER: name });
  }

  /** @param env `TWICE`: it is told each result twice */
  producer(name: string, build = 'A', env: Readonly<Record<string, string>> = {}): Started {
    const path = join(this.folder, `${name}.jsonl`);
    this.files.set(path, build);
    return this.start('producer.ts', [this.server.url, build, this.campaign, path], env);
  }

  /** The run of the seed does not end on this worker until it is released. */
  hold(seed: number, worker: string): void {
    writeFileSync(join(this.folder, `hold-${seed}-${worker}`), '');
  }

  release(seed: number, worker: string): void {
    rmSync(join(this.folder, `hold-${seed}-${worker}`));
  }

  /** How often a run was begun or ended, by one worker or all. */
  count(what: 'began' | 'ended', seed: number, worker = ''): number {
    return this.log().filter((line) => `${line} `.startsWith(`${what} ${seed} ${worker}`)).length;
  }

  /** The seeds of the runs that workers have begun, in this order. */
  begun(): number[] {
    return this.log().flatMap((line) => (line.startsWith('began ') ? Number(line.split(' ')[1]) : []));
  }

  results(name: string): RunResult[] {
    const path = join(this.folder, `${name}.jsonl`);
    if (!existsSync(path)) return [];
    const lines = readFileSync(path, 'utf8').split('\n').slice(1, -1);
    return lines.map((line) => JSON.parse(line));
  }

  /**
   * Every run of the campaign has one result of the file's build in each file, and a worker of that build, whose name
   * begins with it, has ended the run.
   */
  faults(): string[] {
    return [...this.files].flatMap(([path, build]) => {
      const name = path.slice(this.folder.length + 1, -'.jsonl'.length);
      const results = this.results(name);
      return readCampaign(this.campaign).runs.flatMap(({ repeat, plan: { seed } }) => {
        const own = results.filter((result) => result.repeat === repeat && result.build === build);
        const by = this.log().filter((line) => line.startsWith(`ended ${seed} ${build}`));
        const lost = own.filter(({ found }) => found === 'lost');
        return [
          ...(own.length === 1 ? [] : [`${name}: the run of seed ${seed} has ${own.length} results`]),
          ...lost.map(({ detail }) => `${name}: seed ${seed} was lost: ${detail}`),
          ...(own.length > 0 && by.length === 0
            ? [`${name}: no run of seed ${seed} has ended, and it has a result`]
            : []),
        ];
      });
    });
  }

  private log(): string[] {
    const path = join(this.folder, 'log');
    return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : [];
  }

  private start(program: string, args: readonly string[], env: Readonly<Record<string, string>>): Started {
    const file = join('spec/scripts/campaign/programs', program);
    const flags = this.mutant === undefined ? ['--import', './scripts/register.mjs'] : loading(this.mutant);
    const child = spawn(process.execPath, [...flags, file, ...args], {
      cwd: ROOT,
      env: { ...process.env, SCENE: this.folder, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (text += chunk));
    const ended = once(child, 'close').then(([code]) => code as number | null);
    const started = { child, said: () => text, ended };
    this.started.push(started);
    return started;
  }
}

/** Resolves when the condition holds. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await soon();
}

export const soon = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));

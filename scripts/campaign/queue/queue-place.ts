/**
 * Has the runs of a campaign done by the workers of a queue. What is done is read from the jobs themselves, again and
 * again, and not from messages: a message may be lost with a connection, and whoever comes later has not heard it.
 *
 * A server that keeps an append-only file may lose the last second of it when it is killed. So a run that is in no state
 * any more is added again; and what is done anew after its result was read has its result already.
 */
import type { Queue } from 'bullmq';
import { aborted } from '../../../lib/base/on-abort.js';
import type { Campaign } from '../../../lib/stress/campaign/campaign-file.js';
import type { Activity, Place } from '../../../lib/stress/campaign/place.js';
import { type RunResult, saysNothing } from '../../../lib/stress/campaign/results-file.js';
import type { Run } from '../../../lib/stress/campaign/run.js';
import { campaignIdOf, isOf, jobDataOf, jobIdOf, parseOutcome } from './jobs.js';
import { Registry } from './registry.js';
import { hostsOf, type Server } from './server.js';

/** How often the jobs are looked at. Each look reads the ids of all jobs, so it takes its time where they are many. */
const POLL_MS = 500;
const POLL_MS_A_JOB = 0.05;
/** How often it is looked whether the server has lost runs; also when the connection is there again. */
const RESTORE_MS = 60_000;
/** Jobs in one message to the server. */
const BATCH = 500;

export class QueuePlace implements Place {
  activity: Activity = { running: 0, lanes: 1, hosts: [] };
  readonly campaignId: string;
  private readonly server: Server;
  private readonly name: string;
  private readonly build: string;
  private readonly total: number;
  private readonly registry: Registry;
  private readonly queue: Queue;
  /** The runs without a result, by the ids of their jobs. */
  private readonly outstanding = new Map<string, Run>();
  private readonly first: boolean;
  private mayHaveLost = false;

  /**
   * @param name of the campaign, for people
   * @param first whether its runs go before those that wait
   */
  constructor(server: Server, build: string, name: string, campaign: Campaign, first = false) {
    this.server = server;
    this.first = first;
    this.build = build;
    this.name = name;
    this.total = campaign.runs.length;
    this.campaignId = campaignIdOf(build, campaign);
    this.registry = new Registry(server);
    this.queue = server.queueOf(build);
    this.queue.on('error', () => {}); // the server's log has it
    server.redis.on('ready', this.onReady);
  }

  async do(
    runs: readonly Run[],
    graceSeconds: number,
    onResult: (result: RunResult) => void,
    stop: AbortSignal,
  ): Promise<void> {
    for (const run of runs) this.outstanding.set(jobIdOf(this.campaignId, run), run);
    // While the server is away nothing resolves, and the command must end all the same when it is stopped.
    await Promise.race([this.work(graceSeconds, onResult, stop), aborted(stop)]);
  }

  async close(): Promise<void> {
    this.server.redis.off('ready', this.onReady);
    await Promise.race([this.queue.close(), new Promise((resolve) => setTimeout(resolve, 1000).unref())]);
  }

  private readonly onReady = (): void => {
    this.mayHaveLost = true;
  };

  private async work(graceSeconds: number, onResult: (result: RunResult) => void, stop: AbortSignal): Promise<void> {
    const startedAt = new Date().toISOString();
    await this.registry.add({ id: this.campaignId, name: this.name, build: this.build, total: this.total, startedAt });
    await this.repeatWhatSaysNothing();
    await this.add([...this.outstanding.keys()], graceSeconds);
    let restored = performance.now();
    while (this.outstanding.size > 0 && !stop.aborted) {
      if (this.mayHaveLost || performance.now() - restored > RESTORE_MS) {
        this.mayHaveLost = false;
        await this.restore(graceSeconds);
        restored = performance.now();
      }
      const jobs = await this.look(onResult, stop);
      if (this.outstanding.size === 0) break;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS + jobs * POLL_MS_A_JOB));
    }
  }

  /** A job that is there stays as it is, whatever its state. */
  private async add(ids: readonly string[], graceSeconds: number): Promise<void> {
    for (let from = 0; from < ids.length; from += BATCH) {
      const jobs = ids.slice(from, from + BATCH).flatMap((jobId) => {
        const run = this.outstanding.get(jobId);
        return run === undefined
          ? []
          : { name: run.kind, data: jobDataOf(run, graceSeconds), opts: { jobId, lifo: this.first } };
      });
      await this.queue.addBulk(jobs);
    }
  }

  /** Adds the runs that the server does not know any more. */
  private async restore(graceSeconds: number): Promise<void> {
    const ids = [...this.outstanding.keys()];
    for (let from = 0; from < ids.length; from += BATCH) {
      const batch = ids.slice(from, from + BATCH);
      const pipeline = this.server.redis.pipeline();
      for (const id of batch) pipeline.exists(this.keyOf(id));
      const found = (await pipeline.exec()) ?? [];
      const lost = batch.filter((_, i) => found[i]?.[1] === 0);
      await this.add(lost, graceSeconds);
    }
  }

  /** Reads what is done, and what is being done. @returns how many jobs there are */
  private async look(onResult: (result: RunResult) => void, stop: AbortSignal): Promise<number> {
    const ids = await this.registry.jobIds(this.build);
    const running = ids.active.filter((id) => isOf(this.campaignId, id)).length;
    this.activity = { running, lanes: Math.max(1, running), hosts: await hostsOf(this.queue) };
    const finished = [...ids.completed, ...ids.failed];
    const fresh = finished.filter((id) => this.outstanding.has(id));
    for (let from = 0; from < fresh.length && !stop.aborted; from += BATCH) {
      for (const [id, result] of await this.results(fresh.slice(from, from + BATCH))) {
        onResult(result);
        this.outstanding.delete(id);
      }
    }
    return finished.length + ids.waiting.length;
  }

  private async results(ids: readonly string[]): Promise<[string, RunResult][]> {
    const pipeline = this.server.redis.pipeline();
    for (const id of ids) pipeline.hmget(this.keyOf(id), 'returnvalue', 'failedReason', 'pb');
    const values = (await pipeline.exec()) ?? [];
    return ids.flatMap((id, i): [string, RunResult][] => {
      const [completed, failed, host] = (values[i]?.[1] ?? []) as (string | null)[];
      const run = this.outstanding.get(id);
      const value = completed ?? failed;
      if (run === undefined || value == null) return []; // another has removed it, or has it done again
      const { repeat, kind, plan } = run;
      return [[id, { repeat, build: this.build, kind, plan, ...parseOutcome(value, host ?? 'unknown') }]];
    });
  }

  /** When a campaign is started again, runs whose results say nothing are done again. */
  private async repeatWhatSaysNothing(): Promise<void> {
    const { failed } = await this.registry.jobIds(this.build);
    const ids = failed.filter((id) => this.outstanding.has(id));
    for (let from = 0; from < ids.length; from += BATCH) {
      const results = await this.results(ids.slice(from, from + BATCH));
      for (const [id] of results.filter(([, result]) => saysNothing(result))) await this.queue.remove(id);
    }
  }

  private keyOf(jobId: string): string {
    return this.server.keyOf(this.build, jobId);
  }
}

/**
 * Takes runs from the queue and does them, as many at a time as it is told. A run is leased: while its worker lives, the
 * worker renews the lease; when it does not, the run goes back to the queue after at most twice the lease. A worker that
 * has lost a lease stops the run, and a result that it has all the same is refused by the server.
 */
import type { Job, Worker } from 'bullmq';
import { aborted } from '../../../lib/base/on-abort.js';
import { checkGraceSeconds } from '../../../lib/stress/campaign/campaign-file.js';
import { HOST } from '../../../lib/stress/campaign/host.js';
import type { RunResult } from '../../../lib/stress/campaign/results-file.js';
import { parseRun, type Run } from '../../../lib/stress/campaign/run.js';
import { type JobData, type Outcome, outcomeOf } from './jobs.js';
import { Registry } from './registry.js';
import { QueueError, queueName, type Server } from './server.js';

/** When one worker more dies over a run, the run is lost. */
const MOST_DEATHS = 5;
/** Results stay on the server for so long, for whoever starts the campaign again. */
const KEPT_SECONDS = 14 * 86_400;
/** How often a worker without runs looks whether the server has runs for other builds only. */
const IDLE_LOOK_MS = 10_000;
/** After an error of the connection. */
const RETRY_MS = 2_000;
/** When the server is away, a worker that is stopped ends after so long: its leases end by themselves. */
const MOST_CLOSING_MS = 10_000;

export interface WorkerOptions {
  readonly build: string;
  /** @returns undefined, for no result, when it was stopped */
  readonly runOne: (run: Run, graceSeconds: number, stop: AbortSignal) => Promise<RunResult | undefined>;
  /** How many runs at the same time. */
  readonly jobs: number;
  readonly leaseSeconds: number;
  readonly log: (message: string) => void;
}

export class QueueWorker {
  private readonly server: Server;
  private readonly options: WorkerOptions;
  private readonly registry: Registry;
  /** One controller for each run that is being done, by the id of its job. */
  private readonly doing = new Map<string, AbortController>();
  private failure: unknown;

  constructor(server: Server, options: WorkerOptions) {
    this.server = server;
    this.options = options;
    this.registry = new Registry(server);
  }

  /**
   * Does runs until `stop` is aborted; then gives back those that it is doing.
   * @throws (rejects) QueueError when there are runs for other builds only; what this machine cannot do
   */
  async run(stop: AbortSignal): Promise<void> {
    await this.refuseOtherBuilds();
    const ended = new AbortController();
    const ending = AbortSignal.any([stop, ended.signal]);
    const fail = (error: unknown): void => {
      this.failure ??= error;
      ended.abort();
    };
    const worker = this.createWorker((job, token) => this.process(job, token, ending, fail));
    const looking = setInterval(() => {
      if (this.doing.size === 0 && this.server.redis.status === 'ready') this.refuseOtherBuilds().catch(fail);
    }, IDLE_LOOK_MS);
    const running = worker.run().catch(fail);
    await aborted(ending);
    clearInterval(looking);
    for (const controller of this.doing.values()) controller.abort();
    const closed = Promise.all([worker.close(), running]);
    await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, MOST_CLOSING_MS).unref())]);
    if (this.failure !== undefined) throw this.failure;
  }

  private createWorker(processor: (job: Job<JobData>, token: string) => Promise<Outcome>): Worker<JobData> {
    const { build, jobs, leaseSeconds, log } = this.options;
    const worker = new this.server.bullmq.Worker<JobData>(
      queueName(build),
      (job, token) => processor(job, token as string),
      {
        ...this.server.connection,
        autorun: false,
        runRetryDelay: RETRY_MS,
        concurrency: jobs,
        name: HOST.name,
        lockDuration: leaseSeconds * 1000,
        stalledInterval: (leaseSeconds * 1000) / 2,
        maxStalledCount: MOST_DEATHS,
        removeOnComplete: { age: KEPT_SECONDS },
        removeOnFail: { age: KEPT_SECONDS },
      },
    );
    worker.on('error', (error) => {
      if (this.server.redis.status === 'ready') log(error.message); // the server's log has what a lost connection says
    });
    worker.on('lockRenewalFailed', (ids) => {
      for (const id of ids) this.doing.get(id)?.abort();
    });
    worker.on('stalled', (id) => log(`the worker of run ${id} was lost; the run is in the queue again`));
    return worker;
  }

  /** @throws (rejects) what tells BullMQ of the job's end */
  private async process(
    job: Job<JobData>,
    token: string,
    stop: AbortSignal,
    fail: (error: unknown) => void,
  ): Promise<Outcome> {
    const id = job.id as string;
    const controller = new AbortController();
    this.doing.set(id, controller);
    if (stop.aborted) controller.abort();
    try {
      const task = parsed(job.data);
      const result =
        task instanceof Error
          ? refusedOf(task)
          : await this.options.runOne(task.run, task.graceSeconds, controller.signal);
      if (result !== undefined) return this.finish(result);
    } catch (error) {
      if (error instanceof this.server.bullmq.UnrecoverableError) throw error;
      fail(error); // this machine cannot do runs: others may
    } finally {
      this.doing.delete(id);
    }
    await this.giveBack(job, token);
    throw new this.server.bullmq.WaitingError();
  }

  /** @throws when the run failed: a failed run is a failed job, which keeps the outcome as its reason */
  private finish(result: RunResult | Outcome): Outcome {
    const outcome = 'repeat' in result ? outcomeOf(result) : result;
    if (outcome.verdict === 'pass') return outcome;
    throw new this.server.bullmq.UnrecoverableError(JSON.stringify(outcome));
  }

  private async giveBack(job: Job<JobData>, token: string): Promise<void> {
    try {
      await job.moveToWait(token);
    } catch (error) {
      this.options.log(`run ${job.id} was not given back, because its lease has ended: ${(error as Error).message}`);
    }
  }

  private async refuseOtherBuilds(): Promise<void> {
    const builds = await this.registry.busyBuilds();
    if (builds.length === 0 || builds.includes(this.options.build)) return;
    throw new QueueError(
      `this is build ${this.options.build} of dirtymem, and the queue has runs for ${builds.join(', ')} only; ` +
        'use the same version, or the same sources, as the machine that started the campaign',
    );
  }
}

/** Whoever can write to the server may have made the job. */
function parsed(data: unknown): { readonly run: Run; readonly graceSeconds: number } | Error {
  try {
    const { kind, plan, graceSeconds } = data as JobData;
    return { run: parseRun(kind, plan), graceSeconds: checkGraceSeconds(graceSeconds) };
  } catch (error) {
    return error as Error;
  }
}

function refusedOf({ message }: Error): Outcome {
  const endedAt = new Date().toISOString();
  return { verdict: 'fail', found: 'refused', detail: message, wallSeconds: 0, endedAt, host: HOST };
}

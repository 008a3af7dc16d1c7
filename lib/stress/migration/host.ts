/**
 * A host: a process that has the machine, or receives it. It obeys the judge's orders, and reports everything that it
 * does.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import {
  type Arbiter,
  type DestinationMachine,
  MigrationError,
  migrate,
  receive,
  type Side,
  type SourceMachine,
} from '../../migration/index.js';
import { GuestMachine } from './guest-machine.js';
import type { Ended, Image, Order, Report } from './messages.js';
import { type GuestPlan, PAGE, type TransferPlan } from './plan.js';
import { RunLock } from './run-lock.js';
import { MIGRATION_SABOTAGES, type MigrationSabotage } from './sabotage.js';

export interface HostConfig {
  readonly name: string;
  /** The folder of the run lock. */
  readonly folder: string;
  readonly sabotage: string | undefined;
}

export class Host {
  private readonly config: HostConfig;
  private readonly lock: RunLock;
  private readonly sabotage: MigrationSabotage | undefined;
  private machine: GuestMachine | undefined;
  private cancelling = new AbortController();
  private chosen: ((winner: Side) => void) | undefined;

  constructor(config: HostConfig) {
    this.config = config;
    this.lock = new RunLock(config.folder);
    this.sabotage = MIGRATION_SABOTAGES[config.sabotage ?? ''];
  }

  /** Obeys orders until the judge's process has ended. */
  listen(): void {
    process.on('message', (order: Order) => {
      this.obey(order).catch((error) => this.broke(error));
    });
    process.on('disconnect', () => process.exit());
    // Ignore Ctrl-C, which a terminal sends to this process too: the judge would take the end of this process for a
    // crash.
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {});
  }

  private async obey(order: Order): Promise<void> {
    switch (order.type) {
      case 'boot':
        this.machine = this.create(order.plan);
        await this.machine.ready();
        this.machine.boot();
        await this.machine.resume();
        return this.tell({ type: 'booted' });
      case 'receive':
        return this.receive(order.port, order.plan, order.transfer);
      case 'migrate':
        return this.migrate(order.port, order.transfer, [...order.toggledWhenSaved]);
      case 'cancel':
        return this.cancelling.abort();
      case 'chosen':
        return this.chosen?.(order.winner);
      case 'toggle':
        return this.toggle(order.dimm, order.standing);
      case 'check': {
        const { machine } = this;
        if (!machine?.running) return this.tell({ type: 'checked', runs: false, steps: [] });
        const fault = await machine.check();
        const { steps } = machine;
        return this.tell({ type: 'checked', runs: true, steps, ...(fault === undefined ? {} : { fault }) });
      }
    }
  }

  private async toggle(dimm: number, standing: boolean): Promise<void> {
    const { machine } = this;
    if (machine === undefined || !(machine.running || standing)) return;
    const plugged = await machine.toggle(dimm);
    await this.tell({ type: 'toggled', dimm, plugged });
  }

  private async migrate(port: number, transfer: TransferPlan, toggled: number[]): Promise<void> {
    const machine = this.machine as GuestMachine;
    const hooks: SourceMachine = {
      memory: machine.memory,
      contents: (block) => machine.contents(block),
      pause: async () => {
        // Finish unplugs first: an unplug that ended after the handover would make the source take its machine back.
        await machine.settle();
        await machine.pause();
      },
      resume: () => machine.resume(),
      throttle: (share) => machine.throttle(share),
      saveState: async () => {
        const dimm = toggled.pop();
        if (dimm !== undefined) this.toggle(dimm, true).catch((error) => this.broke(error));
        const state = machine.saveState();
        await this.tell({ type: 'saved', ...imageOf(machine) });
        return state;
      },
    };
    const { downtimeMs, autoConverge, verify, stallMs } = transfer;
    this.cancelling = new AbortController();
    await this.end(async () => {
      const stream = await connectTo(port);
      const migration = migrate(this.sabotage?.source?.(hooks) ?? hooks, stream, {
        ...{ downtimeMs, autoConverge, verify, stallMs },
        ...{ arbiter: this.arbiter('source'), signal: this.cancelling.signal },
      });
      migration.on('progress', (progress) => void this.tell({ type: 'progress', progress }));
      const result = await migration.result;
      this.machine = undefined;
      await machine.close();
      return { ok: true, result };
    });
  }

  private async receive(port: number, plan: GuestPlan, { stallMs }: TransferPlan): Promise<void> {
    this.cancelling = new AbortController();
    const machine = this.create(plan);
    await machine.ready();
    await this.tell({ type: 'receiving' });
    const hooks: DestinationMachine = {
      pageSize: PAGE,
      plug: ({ id, offset, size }) => machine.receiveDimm(id, offset, size),
      unplug: (id) => machine.dropDimm(id),
      loadState: async (state) => {
        machine.loadState(state);
        await this.tell({ type: 'loaded', ...imageOf(machine) });
      },
      start: () => {
        this.machine = machine;
        return machine.resume();
      },
      discard: () => {
        this.machine = undefined;
        return machine.close();
      },
    };
    const contents = () => [...machine.memory.ram].map((block) => machine.contents(block));
    await this.end(async () => {
      const stream = await connectTo(port).catch(async (error) => {
        await machine.close();
        throw error;
      });
      await receive(this.sabotage?.destination?.(hooks, contents) ?? hooks, stream, {
        ...{ stallMs, arbiter: this.arbiter('destination'), signal: this.cancelling.signal },
      });
      return { ok: true };
    });
  }

  private async end(body: () => Promise<Ended>): Promise<void> {
    let outcome: Ended;
    try {
      outcome = await body();
    } catch (error) {
      if (!(error instanceof MigrationError)) throw error;
      outcome = { ok: false, reason: error.reason, message: error.message };
    }
    await this.tell({ type: 'ended', outcome });
  }

  private arbiter(side: Side): Arbiter {
    const arbiter: Arbiter = {
      claim: (who) =>
        new Promise((resolve) => {
          this.chosen = resolve;
          void this.tell({ type: 'claim', side: who });
        }),
    };
    return this.sabotage?.arbiter?.(arbiter, side) ?? arbiter;
  }

  private create(plan: GuestPlan): GuestMachine {
    return new GuestMachine(plan, {
      runs: (steps) => {
        const holder = this.lock.acquire(this.config.name);
        void this.tell({ type: 'runs', steps });
        if (holder === undefined) return;
        this.violation('two-machines', `${this.config.name} runs its vCPUs while ${holder} runs them too`);
        throw new Error('the machine runs on the other host');
      },
      stands: () => {
        this.lock.release();
        void this.tell({ type: 'stands' });
      },
      broke: (error) => this.broke(error),
    });
  }

  private broke(error: unknown): void {
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.violation('crash', `${this.config.name}: ${detail}`);
  }

  private violation(oracle: string, detail: string): void {
    void this.tell({ type: 'violation', oracle, detail });
  }

  /** Resolves when the report has been sent, so that it arrives even if this process is killed. */
  private tell(report: Report): Promise<void> {
    return new Promise((resolve) => {
      process.send?.(report, undefined, undefined, () => resolve());
    });
  }
}

function imageOf(machine: GuestMachine): Image {
  const began = performance.now();
  const digests = machine.digests();
  return { steps: machine.steps, digests, hashMs: performance.now() - began };
}

/** @throws (rejects) MigrationError when nobody accepts the connection */
async function connectTo(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
  } catch (cause) {
    throw new MigrationError('link', 'there is no connection', { cause });
  }
  return socket;
}

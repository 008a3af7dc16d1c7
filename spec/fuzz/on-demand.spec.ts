import { expect } from 'chai';
import fc from 'fast-check';
import {
  CODE,
  type DirtyMemory,
  GracePeriodTimeout,
  MIGRATION,
  type Tracking,
  UsageError,
  VGA,
  type WaitOptions,
} from '../../lib/index.js';
import { attachVcpu, type Vcpu } from '../../lib/vcpu.js';
import { foreignVcpu, PAGE, smallEngine } from '../support/engines.js';
import { turns, until } from '../support/promises.js';
import { uncaughtDuring } from '../support/refusals.js';
import { SHRINKING } from './hostile-calls.js';

const KINDS = ['track', 'stop', 'measure', 'limit', 'harvest', 'stick', 'section', 'plug', 'unplug', 'close'] as const;

const steps = fc.array(
  fc.record({
    kind: fc.constantFrom(...KINDS),
    client: fc.constantFrom(VGA, CODE, MIGRATION),
    /** How long it may wait, in milliseconds, by timeout or by signal. */
    patience: fc.option(fc.record({ by: fc.constantFrom('timeout', 'signal'), ms: fc.nat(8) }), { nil: undefined }),
    turns: fc.nat(20),
    choice: fc.nat(100),
  }),
  { minLength: 5, maxLength: 40 },
);
type Step = typeof steps extends fc.Arbitrary<(infer One)[]> ? One : never;

/** An engine with a vCPU of another thread, which may be stuck, and one of this one, which may be inside a section. */
class Session {
  readonly memory: DirtyMemory;
  private readonly foreign: Vcpu;
  private readonly own: Vcpu;
  private readonly reporting: NodeJS.Timeout;
  private readonly calls: Promise<void>[] = [];
  private readonly trackings: Tracking[] = [];
  private stuck = false;

  constructor(tracked: number) {
    this.memory = smallEngine({ tracked });
    this.memory.ram.plug({ id: 'ram', size: 90 * PAGE });
    this.foreign = foreignVcpu(this.memory);
    this.own = attachVcpu(this.memory.handle);
    this.reporting = setInterval(() => {
      if (!this.stuck && this.memory.rcu.lifecycle.state !== 'closed') this.foreign.quiescent();
    }, 1);
  }

  take(step: Step): void {
    const call = this.callOf(step);
    if (call === undefined) return;
    const allowed = (error: unknown): void => {
      const timedOut = error instanceof DOMException && error.name === 'TimeoutError';
      if (!(timedOut || error instanceof UsageError || error instanceof GracePeriodTimeout)) throw error;
    };
    this.calls.push(call().then(() => {}, allowed));
  }

  private callOf({ kind, client, patience, choice }: Step): (() => Promise<unknown>) | undefined {
    const { memory, own } = this;
    const wait = waitOf(patience);
    switch (kind) {
      case 'track':
        return async () => this.trackings.push(await memory.track(client, wait));
      case 'stop':
        return async () => this.trackings[choice % this.trackings.length]?.stop();
      case 'measure':
        return () => memory.measureDirtyRate({ windowMs: 1 + (choice % 8), client, ...wait });
      case 'limit':
        return async () => memory.limitDirtyRate(choice || undefined, choice % 2 ? {} : { identity: 4711 });
      case 'harvest':
        return async () => {
          const { set } = await memory.harvest(client, wait);
          if (memory.rcu.lifecycle.state !== 'closed') set.dispose();
        };
      case 'stick':
        this.stuck = !this.stuck;
        return undefined;
      case 'section':
        if (own.inSection) own.readUnlock();
        else own.readLock();
        return undefined;
      case 'plug':
        if (memory.ram.get(`${choice}`) !== undefined) return undefined;
        return async () => memory.ram.plug({ id: `${choice}`, size: (1 + (choice % 5)) * PAGE });
      case 'unplug': {
        const block = [...memory.ram].at(-1);
        return block && (() => memory.ram.unplug(block));
      }
      case 'close':
        return choice < 6 ? () => memory.close(wait) : undefined;
    }
  }

  /** Everything settles, and what is tracked is what was at the beginning. */
  async end(tracked: number): Promise<void> {
    this.stuck = false;
    while (this.own.inSection) this.own.readUnlock();
    await Promise.all(this.calls);
    for (const tracking of this.trackings) await tracking.stop();
    clearInterval(this.reporting);
    this.foreign.detach();
    if (this.memory.rcu.lifecycle.state === 'open') {
      // Who gives up waits for nothing: its client is untracked when the collections that were under way have ended.
      await until(() => this.memory.tracked === tracked);
    }
    await this.memory.close();
  }
}

function waitOf(patience: Step['patience']): WaitOptions {
  if (patience === undefined) return {};
  const { by, ms } = patience;
  return by === 'timeout' ? { timeoutMs: ms } : { signal: AbortSignal.timeout(ms) };
}

describe('tracking, measuring, limiting, collecting, hotplug and closing', () => {
  it('settle in whatever order they come, and leave tracked what was', async () => {
    const uncaught = await uncaughtDuring(async () => {
      await fc.assert(
        fc.asyncProperty(fc.nat(7), steps, async (tracked, taken) => {
          const session = new Session(tracked);
          for (const step of taken) {
            session.take(step);
            await turns(step.turns);
          }
          await session.end(tracked);
        }),
        { numRuns: 150, ...SHRINKING },
      );
    });
    expect(uncaught).to.be.empty;
  });
});

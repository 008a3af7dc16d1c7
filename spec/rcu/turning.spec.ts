import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { DirtyMemory } from '../../lib/index.js';
import { SLEEP_MS } from '../../lib/rcu/owner-sleep.js';
import type { Vcpu } from '../../lib/vcpu.js';
import { foreignVcpu, smallEngine } from '../support/engines.js';
import { turns, until } from '../support/promises.js';
import { doors, runProgram } from '../support/run-program.js';

const LOCAL_READERS = new URL('../../lib/rcu/local-readers.ts', import.meta.url).href;

/** Waits while a period has run for long, which only a timer looks at that does not hold the process. */
const WAITING_PROGRAM = `
import { DirtyMemory } from '${doors.dirtymem}';
import { attachVcpu } from '${doors['dirtymem/vcpu']}';
import { removeLocalReader } from '${LOCAL_READERS}';
const memory = DirtyMemory.create({ maxRamBytes: 2 ** 20, pagesPerBlock: 64 });
const vcpu = attachVcpu(memory.handle);
removeLocalReader(vcpu); // it stands for one of another thread
memory.rcu.startPoll();
await new Promise((resolve) => setTimeout(resolve, 200));
let reports = 0;
const report = () => {
  vcpu.quiescent();
  if (++reports < 100) setTimeout(report, 5).unref();
};
setTimeout(report, 5).unref();
await memory.rcu.synchronize();
console.log('it has ended');
`;

/** Makes an engine as in a host that cannot wait asynchronously. */
function withoutAsyncWaits(make: () => DirtyMemory): DirtyMemory {
  const { waitAsync } = Atomics;
  Object.assign(Atomics, { waitAsync: undefined });
  try {
    return make();
  } finally {
    Object.assign(Atomics, { waitAsync });
  }
}

describe('turns of the event loop, for grace periods', () => {
  const { setTimeout } = globalThis;
  const hostNow = performance.now;
  /** Of the timers that were made: does it keep the process alive? */
  let holds: boolean[];
  /** After how many milliseconds they are due. */
  let delays: number[];
  let memory: DirtyMemory;
  let vcpu: Vcpu;

  beforeEach(() => {
    memory = smallEngine();
    vcpu = foreignVcpu(memory);
    holds = [];
    delays = [];
    globalThis.setTimeout = ((run: () => void, ms: number) => {
      const timer = setTimeout(run, ms);
      if (run !== Reflect.get(memory.rcu, 'turn')) return timer; // of an engine that another spec has left behind
      delays.push(ms);
      const number = holds.push(true) - 1;
      const [ref, unref] = [timer.ref.bind(timer), timer.unref.bind(timer)];
      timer.ref = () => {
        holds[number] = true;
        return ref();
      };
      timer.unref = () => {
        holds[number] = false;
        return unref();
      };
      return timer;
    }) as typeof setTimeout;
  });
  afterEach(async () => {
    globalThis.setTimeout = setTimeout;
    performance.now = hostNow;
    vcpu.detach();
    await memory.close();
  });

  const immediates = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Immediate').length;

  it('are one timer for all that the owner begins meanwhile, which is not put off', () => {
    for (let i = 0; i < 10; i++) memory.rcu.startPoll();
    expect(holds).to.deep.equal([false]);
  });

  it('keep the process alive from the moment that somebody waits for whatever else, though one was due before', async () => {
    memory.rcu.startPoll();
    performance.now = () => hostNow.call(performance) + 100; // the period is old, and looked at by a timer
    let end = (): void => {};
    const held = memory.rcu.holdingFor(
      new Promise((resolve) => {
        end = resolve;
      }),
    );
    expect(holds).to.deep.equal([true]);
    end();
    await held;
  });

  it('keep the process alive while somebody waits though no period runs, and none has for long', async () => {
    const polling = withoutAsyncWaits(smallEngine);
    for (const { rcu } of [memory, polling]) {
      performance.now = () => hostNow.call(performance) + 100;
      const before = immediates();
      let end = (): void => {};
      const held = rcu.holdingFor(
        new Promise((resolve) => {
          end = resolve;
        }),
      );
      expect(immediates()).to.equal(before + 1);
      end();
      await held;
    }
    await polling.close();
  });

  it('keep the process alive while a callback waits', async () => {
    const before = immediates();
    vcpu.goOffline();
    memory.rcu.callRcu(() => {});
    expect(immediates()).to.equal(before + 1);
    await memory.rcu.barrier();
  });

  it('come for what the engine itself has to do after a period, though nobody waits', () => {
    memory.rcu.defer(() => {});
    expect(holds).to.deep.equal([false]);
  });

  it('come no more when nothing is left to do', async () => {
    vcpu.goOffline();
    await memory.rcu.synchronize();
    memory.rcu.startPoll();
    await turns();
    const before = [delays.length, immediates()];
    await turns();
    expect([delays.length, immediates()]).to.deep.equal(before);
  });

  it('come no more when the engine is closed, nor are some left that keep the process alive', async () => {
    const before = immediates();
    vcpu.goOffline();
    let end = (): void => {};
    const held = memory.rcu.holdingFor(
      new Promise((resolve) => {
        end = resolve;
      }),
    );
    await memory.close();
    expect(immediates()).to.equal(before);
    const timers = delays.length;
    memory.rcu.defer(() => {});
    expect([delays.length, immediates()]).to.deep.equal([timers, before]);
    end();
    await held;
  });

  it('look at a period the more rarely the longer it has lasted, but many times a second', async () => {
    const now = hostNow.call(performance);
    for (const age of [0, 1, 80, 10_000]) {
      performance.now = () => now;
      const cookie = memory.rcu.startPoll();
      performance.now = () => now + age;
      await turns(); // the first timer was set when the period began
      vcpu.quiescent();
      expect(memory.rcu.poll(cookie)).to.equal(true);
      const delay = delays.at(-1) ?? 0;
      expect(delay, `after ${age} ms`).to.be.within(Math.min(SLEEP_MS, 1 + age / 10), Math.min(SLEEP_MS, 1 + age / 5));
    }
  });

  it('are not put off by what the owner does meanwhile, in each turn of its own', async () => {
    vcpu.goOffline();
    let ran = false;
    let turned = 0;
    const own = (): void => {
      if (ran || ++turned > 100) return;
      setImmediate(own);
      memory.rcu.startPoll();
    };
    own();
    memory.rcu.callRcu(() => {
      ran = true;
    });
    await until(() => ran);
    expect(turned).to.be.below(100);
  });

  it('keep the process alive from the moment that somebody waits for the period, though one was due before', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'dirtymem-turns-'));
    try {
      const program = join(folder, 'waiting.mjs');
      writeFileSync(program, WAITING_PROGRAM);
      expect((await runProgram(program, 60_000)).stdout).to.equal('it has ended\n');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { DirtyMemory } from '../../lib/index.js';
import type { Vcpu } from '../../lib/vcpu.js';
import { foreignVcpu, smallEngine } from '../support/engines.js';
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

describe('turns of the event loop, for grace periods', () => {
  const { setTimeout } = globalThis;
  const hostNow = performance.now;
  /** Of the timers that were made: does it keep the process alive? */
  let holds: boolean[];
  let memory: DirtyMemory;
  let vcpu: Vcpu;

  beforeEach(() => {
    memory = smallEngine();
    vcpu = foreignVcpu(memory);
    holds = [];
    globalThis.setTimeout = ((run: () => void, ms: number) => {
      const timer = setTimeout(run, ms);
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

  it('keep the process alive while somebody waits though no period runs', async () => {
    const immediates = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Immediate').length;
    const before = immediates();
    let end = (): void => {};
    const held = memory.rcu.holdingFor(
      new Promise((resolve) => {
        end = resolve;
      }),
    );
    expect(immediates()).to.equal(before + 1);
    end();
    await held;
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

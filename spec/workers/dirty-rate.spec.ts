import { expect } from 'chai';
import { Arena } from '../../lib/arena/arena.js';
import { Header } from '../../lib/arena/layout.js';
import { openEngine } from '../../lib/dirty-memory.js';
import { CODE, type DirtyMemory, type DirtyRate, MIGRATION } from '../../lib/index.js';
import { SABOTAGES } from '../../lib/stress/sabotage/catalogue.js';
import { collectAtOnce, PAGE, smallEngine } from '../support/engines.js';
import { until } from '../support/promises.js';
import { endThreads, type RemoteVcpu } from '../support/remote-vcpu.js';
import { PAGES, STORING, StoringMachine } from './storing-machine.js';

describe('vCPUs on worker threads: measuring their dirty rates', () => {
  let memory: DirtyMemory;
  let machine: StoringMachine;

  beforeEach(() => {
    memory = smallEngine({ debug: false });
    machine = new StoringMachine(memory);
  });
  afterEach(endThreads);

  /** Measures for one client after the other until told to stop. */
  const measure = (): { stop(): Promise<number> } => {
    let stopped = false;
    const measured = (async () => {
      let count = 0;
      for (; !stopped; count++)
        await memory.measureDirtyRate({ windowMs: 1, client: count % 4 === 0 ? CODE : MIGRATION });
      return count;
    })();
    return {
      stop: () => {
        stopped = true;
        return measured;
      },
    };
  };

  for (const [loop, enough] of STORING) {
    it(`loses no store of threads that all the time ${loop}, whoever harvests meanwhile`, async () => {
      const vcpus = await machine.begun(loop);
      const measurements = measure();
      await machine.copyRounds(enough, () => new Promise((resolve) => setTimeout(resolve, 2)));
      expect(await measurements.stop()).to.be.at.least(4);
      await machine.stop(vcpus);
    });
  }

  it('is seen to lose stores when the bits do not go back', async () => {
    const parts = SABOTAGES['borrowed-bits-kept']?.parts;
    const broken = new StoringMachine(openEngine({ stallMs: 600_000 }, parts).memory);
    const { memory, copy } = broken;
    const vcpu = await broken.attached('vcpu');
    await vcpu.begin('storeAndMark');
    await until(() => copy.differing().length > 0);
    await vcpu.stop();
    await vcpu.call('detach');
    await memory.measureDirtyRate({ windowMs: 1 });
    copy.take(collectAtOnce(memory, MIGRATION));
    expect(copy.differing()).to.not.be.empty;
  });

  it('counts for each thread what it turned, and for the RAM what all did', async () => {
    const vcpus = [await machine.attached('vcpu0'), await machine.attached('vcpu1')];
    const abort = new AbortController();
    let harvests = 0;
    const harvesting = (async () => {
      for (; !abort.signal.aborted; harvests++) {
        (await memory.harvest(MIGRATION)).set.dispose();
        await new Promise((resolve) => setTimeout(resolve, 3));
      }
    })();
    for (const vcpu of vcpus) await vcpu.begin('dirty');
    let measured: DirtyRate;
    do measured = await memory.measureDirtyRate({ windowMs: 60 });
    while (measured.pages === 0 || measured.readers.some((reader) => reader.pages === 0) || harvests < 3);
    abort.abort();
    await harvesting;
    const { readers, pages, blocks } = measured;
    const turned = [];
    for (const vcpu of vcpus) turned.push((await vcpu.stop()) as number);
    expect(readers.map(({ identity }) => identity)).to.deep.equal(vcpus.map(({ identity }) => identity));
    for (const [i, reader] of readers.entries()) expect(reader.pages).to.be.at.most(turned[i] as number);
    expect(blocks.map((block) => block.pages)).to.deep.equal([pages]);
  });
});

describe('vCPUs on worker threads: dirty-rate limits', () => {
  let memory: DirtyMemory;
  let machine: StoringMachine;

  beforeEach(() => {
    memory = smallEngine({ debug: false });
    machine = new StoringMachine(memory);
  });
  afterEach(endThreads);

  /** A thread that dirties pages all the time, and had begun to. */
  const dirtying = async (name: string): Promise<RemoteVcpu> => {
    const vcpu = await machine.attached(name);
    await vcpu.begin('dirty');
    return vcpu;
  };
  const online = (): number => memory.stats().readersOnline;
  /** It has more pages to dirty than a limit of one a second allows in the time of a test. */
  const asleep = async (count = 0): Promise<void> => {
    await until(() => {
      collectAtOnce(memory, MIGRATION).dispose();
      return online() === count;
    });
  };
  const goesOn = async (vcpu: RemoteVcpu): Promise<void> => {
    const { rounds } = vcpu;
    await until(() => vcpu.rounds > rounds + 2 * PAGES);
  };

  it('put a thread to sleep that is ahead, offline, so that no grace period waits for it', async () => {
    const vcpu = await dirtying('vcpu');
    expect(memory.limitDirtyRate(1)).to.equal(1);
    await asleep();
    const { rounds } = vcpu;
    memory.rcu.synchronizeBlocking({ timeoutMs: 30_000 });
    await memory.rcu.synchronize();
    (await memory.harvest(MIGRATION)).set.dispose();
    expect(vcpu.rounds).to.equal(rounds);
  });

  it('wake a thread when they are lifted, and it sleeps no more', async () => {
    const vcpu = await dirtying('vcpu');
    for (let i = 0; i < 5; i++) {
      memory.limitDirtyRate(1);
      await asleep();
      memory.limitDirtyRate(undefined);
      await goesOn(vcpu);
    }
    const turned = (await vcpu.stop()) as number;
    expect(turned).to.be.at.least(10);
  });

  it('wake a thread when they are raised, and go on holding it', async () => {
    const vcpu = await dirtying('vcpu');
    memory.limitDirtyRate(1);
    await asleep();
    const { rounds } = vcpu;
    memory.limitDirtyRate(10_000_000);
    await until(() => vcpu.rounds > rounds);
    memory.limitDirtyRate(1);
    await asleep();
  });

  it('are each thread its own, and the last call decides', async () => {
    const [one, two] = [await dirtying('one'), await dirtying('two')];
    expect(memory.limitDirtyRate(1, { identity: one.identity })).to.equal(1);
    await asleep(1);
    await goesOn(two);
    expect(memory.limitDirtyRate(1)).to.equal(2);
    await asleep();
    expect(memory.limitDirtyRate(undefined, { identity: two.identity })).to.equal(1);
    await goesOn(two);
    expect(online()).to.equal(1);
    expect(memory.limitDirtyRate(undefined)).to.equal(2);
    await goesOn(one);
    expect(memory.limitDirtyRate(1, { identity: 2 ** 30 }), 'a thread that is not there').to.equal(0);
  });

  it('hold for a thread that attaches later, and not for the one that was held in its slot', async () => {
    const vcpu = await dirtying('first');
    memory.limitDirtyRate(1, { identity: vcpu.identity });
    await asleep();
    memory.supervise(vcpu.worker);
    await vcpu.worker.terminate();
    await until(() => memory.stats().readersAttached === 0);
    const next = await dirtying('next');
    await goesOn(next);
    await next.stop();
    memory.limitDirtyRate(1);
    await dirtying('later');
    await asleep(1);
  });

  it('are no obstacle to ending a thread that sleeps, nor to closing the engine, which wakes it', async () => {
    const [dies, wakes] = [await dirtying('dies'), await dirtying('wakes')];
    memory.supervise(dies.worker);
    memory.limitDirtyRate(1);
    await asleep();
    await dies.worker.terminate();
    await until(() => memory.stats().readersAttached === 1);
    const { words } = Arena.attach('spec', memory.handle);
    const changes = words.load(Header.LimitChanges);
    await memory.close();
    // It may have slept out its debt; what it sleeps on has changed all the same.
    expect(words.load(Header.LimitChanges)).to.not.equal(changes);
    const failure = await wakes.end().catch((error: unknown) => error);
    expect(failure).to.be.an('error');
    expect(String(failure)).to.contain('closed');
  });

  it('show in what is measured', async () => {
    const vcpu = await dirtying('vcpu');
    memory.limitDirtyRate(5);
    memory.limitDirtyRate(7, { identity: vcpu.identity });
    const limits = async (): Promise<unknown> =>
      (await memory.measureDirtyRate({ windowMs: 1 })).readers.map(({ limit }) => limit);
    expect(await limits()).to.deep.equal([7]);
    memory.limitDirtyRate(undefined, { identity: vcpu.identity });
    expect(await limits()).to.deep.equal([undefined]);
    memory.limitDirtyRate(5);
    expect(await limits()).to.deep.equal([5]);
  });

  it('cannot put the owner to sleep in a quiescent state of its own reader, however its handle came', async () => {
    const { attachVcpu } = await import('../../lib/vcpu.js');
    memory.limitDirtyRate(1);
    const { wait } = Atomics;
    for (const handle of [memory.handle, structuredClone(memory.handle)]) {
      const local = attachVcpu(handle);
      await memory.testAndClear(0, PAGES * PAGE, MIGRATION);
      for (let page = 0; page < PAGES; page++) local.markPage(page, MIGRATION);
      Atomics.wait = () => {
        throw new Error('the owner sleeps');
      };
      try {
        local.quiescent();
      } finally {
        Atomics.wait = wait;
      }
      expect(online()).to.equal(1);
      local.detach();
    }
  });
});

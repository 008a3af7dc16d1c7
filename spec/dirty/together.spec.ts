import { expect } from 'chai';
import { engineOf } from '../../lib/dirty-memory.js';
import { type DirtyMemory, UsageError } from '../../lib/index.js';
import type { Vcpu } from '../../lib/vcpu.js';
import { CLIENTS, foreignVcpu, PAGE, SWAP_ALL, smallEngine } from '../support/engines.js';
import { expectReject } from '../support/refusals.js';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('collections that are asked for together', () => {
  let memory: DirtyMemory;
  let vcpu: Vcpu;

  const create = (...of: Parameters<typeof smallEngine>): void => {
    memory = smallEngine(...of);
    memory.ram.plug({ id: 'ram', size: 128 * PAGE });
    vcpu = foreignVcpu(memory);
    memory.rcu.holdouts(); // the period of the plugging has ended
  };
  afterEach(async () => {
    vcpu.detach();
    await memory.close();
  });

  const harvestAll = (signal?: AbortSignal) =>
    Promise.all(CLIENTS.map((client) => memory.harvest(client, signal === undefined ? {} : { signal })));

  for (const [title, swapPolicy] of [
    ['emptied', undefined],
    ['swapped out', SWAP_ALL],
  ] as const) {
    it(`share one period, of several clients (${title})`, async () => {
      create({}, swapPolicy);
      const { completed } = memory.rcu;
      const harvested = harvestAll();
      await turn();
      vcpu.quiescent();
      const results = await harvested;
      expect(results.map(({ added }) => added)).to.deep.equal([128, 128, 128]);
      expect(memory.rcu.completed - completed).to.equal(1);
    });
  }

  it('wait for a period that begins after the last of them has taken its bits', async () => {
    create();
    const { periods } = memory.rcu as unknown as { periods: { started: number } };
    const { started } = periods;
    const harvested = harvestAll();
    expect(periods.started, 'while bits may be taken').to.equal(started);
    for (const client of CLIENTS) expect(engineOf(memory).bitmapOf(client).inFlight).not.to.equal(undefined);
    vcpu.quiescent();
    await turn();
    expect(periods.started).to.equal(started + 1);
    vcpu.quiescent();
    await harvested;
  });

  it('do not wait for those that are asked for later', async () => {
    create();
    const first = memory.harvest(CLIENTS[0]);
    await turn();
    const second = memory.harvest(CLIENTS[1]);
    vcpu.quiescent();
    expect((await first).added).to.equal(128);
    vcpu.quiescent();
    expect((await second).added).to.equal(128);
  });

  it('lose nothing when they are given up in the same step', async () => {
    create({}, SWAP_ALL);
    const abort = new AbortController();
    const given = CLIENTS.map((client) => memory.harvest(client, { signal: abort.signal }));
    abort.abort();
    for (const harvest of given) await expectReject(() => harvest, Error);
    const harvested = harvestAll();
    for (let i = 0; i < 4; i++) {
      await turn();
      vcpu.quiescent();
    }
    expect((await harvested).map(({ added }) => added)).to.deep.equal([128, 128, 128]);
  });
});

describe('a collection in whose step the memory is grown', () => {
  it('is refused, and says why', async () => {
    const wasm = new WebAssembly.Memory({ initial: 8, maximum: 16 });
    const memory = smallEngine({ memory: wasm, byteOffset: 0, shared: false });
    memory.ram.plug({ id: 'ram', size: 128 * PAGE });
    const harvested = memory.harvest(CLIENTS[0]);
    wasm.grow(1);
    await expectReject(() => harvested, UsageError, 'harvest', 'grown');
  });
});

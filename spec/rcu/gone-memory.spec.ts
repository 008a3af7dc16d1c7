import { expect } from 'chai';
import { Header } from '../../lib/arena/layout.js';
import type { Words } from '../../lib/arena/words.js';
import { engineOf } from '../../lib/dirty-memory.js';
import { type DirtyMemory, UsageError } from '../../lib/index.js';
import type { Rcu } from '../../lib/rcu/rcu.js';
import { describeEngines, foreignVcpu, reportUntil, smallEngine } from '../support/engines.js';
import { track, turns } from '../support/promises.js';
import { expectReject, expectThrow, uncaughtDuring } from '../support/refusals.js';

/** What a caller may ask for, though the memory may not be looked at any more. */
const callsOf = (rcu: Rcu): [name: string, call: () => unknown][] => [
  ['startPoll', () => rcu.startPoll()],
  ['poll', () => rcu.poll(1)],
  ['kick', () => rcu.kick()],
  ['callRcu', () => rcu.callRcu(() => {})],
  ['synchronizeBlocking', () => rcu.synchronizeBlocking()],
];

describeEngines('grace periods of a closed engine', () => {
  let memory: DirtyMemory;
  let rcu: Rcu;
  let words: Words;
  beforeEach(() => {
    memory = smallEngine();
    ({ rcu } = memory);
    ({ words } = engineOf(memory).arena);
  });

  const contents = (): number[] => Array.from({ length: words.length }, (_, index) => words.get(index));

  it('leave the memory alone, in which another engine may live, whatever is asked for', async () => {
    const vcpu = foreignVcpu(memory);
    await reportUntil(vcpu, memory.close());
    const expectUntouched = async (): Promise<void> => {
      const before = contents();
      for (const [name, call] of callsOf(rcu)) expectThrow(call, UsageError, name, 'closed');
      expect(rcu.holdouts()).to.deep.equal([]);
      expect(rcu.describeHoldouts()).to.equal('');
      const cookie = rcu.defer(() => expect.fail('ran'));
      await expectReject(() => rcu.waitFor('late', cookie, {}), UsageError, 'late', 'closed');
      await turns();
      expect(contents()).to.deep.equal(before);
    };
    await expectUntouched();
    vcpu.quiescent(); // to the number that tells of the close
    await expectUntouched();
    vcpu.detach();
  });

  it('are over while it closes: what is refused begins none', async () => {
    const vcpu = foreignVcpu(memory);
    const number = (): number => words.load(Header.Number);
    const before = number();
    const closing = memory.close();
    const calls = callsOf(rcu).filter(([name]) => name !== 'poll');
    for (const [name, call] of calls) expectThrow(call, UsageError, name, 'closing');
    await reportUntil(vcpu, closing);
    expect((number() - before) | 0, 'the period of the closing, and the one that never ends').to.equal(2 * 2);
    vcpu.detach();
  });

  it('do not keep a hold waiting that ends later, or end a sleep of another engine', async () => {
    const vcpu = foreignVcpu(memory);
    const closing = memory.close();
    await turns();
    const late = rcu.waitFor('late', rcu.request(), {});
    late.catch(() => {});
    let end = (): void => {};
    const held = rcu.holdingFor(
      new Promise((resolve) => {
        end = resolve;
      }),
    );
    vcpu.quiescent();
    await closing;
    await expectReject(() => late, UsageError, 'late');
    words.store(Header.Waiting, 7);
    end();
    await held;
    expect(words.load(Header.Waiting)).to.equal(7);
    vcpu.detach();
  });
});

describe('grace periods in memory that was grown', () => {
  let wasm: WebAssembly.Memory;
  let memory: DirtyMemory;
  let rcu: Rcu;
  beforeEach(() => {
    wasm = new WebAssembly.Memory({ initial: 8, maximum: 16 });
    memory = smallEngine({ memory: wasm, byteOffset: 0, shared: false });
    ({ rcu } = memory);
  });

  it('are refused, and say why', async () => {
    wasm.grow(1);
    for (const [name, call] of callsOf(rcu)) expectThrow(call, UsageError, name, 'grown');
    expectThrow(() => rcu.holdouts(), UsageError, 'holdouts', 'grown');
    for (const [name, wait] of [
      ['synchronize', () => rcu.synchronize()],
      ['barrier', () => rcu.barrier()],
      ['harvest', () => rcu.requestTogether('harvest')],
    ] as const) {
      await expectReject(wait, UsageError, name, 'grown');
    }
    expect(rcu.describeHoldouts()).to.equal('');
    const cookie = rcu.defer(() => expect.fail('ran'));
    await expectReject(() => rcu.waitFor('late', cookie, {}), UsageError, 'late', 'grown');
  });

  it('end the waits that are under way, of which nothing else goes wrong', async () => {
    foreignVcpu(memory);
    const errors = await uncaughtDuring(async () => {
      const waits = [rcu.synchronize(), rcu.synchronize()];
      const tracked = waits.map((wait) => track(wait));
      wasm.grow(1);
      await turns();
      expect(tracked.map(({ settled }) => settled)).to.deep.equal([true, true]);
      for (const wait of waits) await expectReject(() => wait, UsageError, 'synchronize', 'has been grown');
    });
    expect(errors).to.deep.equal([]);
  });

  it('end with a callback that grows it, though the next one has run for long', async () => {
    const { now } = performance;
    const vcpu = foreignVcpu(memory);
    const errors = await uncaughtDuring(async () => {
      rcu.callRcu(() => wasm.grow(1));
      const wait = rcu.synchronize();
      const tracked = track(wait);
      vcpu.quiescent();
      rcu.step(); // notices that the first one has ended, and begins the one of `wait`
      performance.now = () => now.call(performance) + 100;
      await turns();
      expect(tracked.settled).to.equal(true);
      await expectReject(() => wait, UsageError, 'synchronize', 'has been grown');
    });
    performance.now = now;
    expect(errors).to.deep.equal([]);
  });

  it('are refused a callback that has grown it', async () => {
    const error = await new Promise<unknown>((resolve) => {
      rcu.callRcu(() => {
        wasm.grow(1);
        try {
          resolve(rcu.callRcu(() => {}));
        } catch (refusal) {
          resolve(refusal);
        }
      });
    });
    expect(error)
      .to.be.instanceOf(UsageError)
      .and.have.property('message')
      .that.includes('callRcu')
      .and.includes('grown');
  });
});

import { expect } from 'chai';
import type { Allocator } from '../../lib/arena/allocator.js';
import { engineOf } from '../../lib/dirty-memory.js';
import { ArenaFullError, CODE, type DirtyMemory, VGA } from '../../lib/index.js';
import { attachVcpu } from '../../lib/vcpu.js';
import { describeEngines, PAGE, smallEngine } from '../support/engines.js';
import { expectReject } from '../support/refusals.js';

/** What a loop may take at most until the event loop has turned; it does after a millisecond. */
const LIMIT_MS = 3_000;

/** Loops over the operation until a timer has run. @returns whether one has */
async function letsTimersRun(operation: () => Promise<unknown>): Promise<boolean> {
  let ran = false;
  const timer = setTimeout(() => {
    ran = true;
  }, 1);
  const end = performance.now() + LIMIT_MS;
  while (!ran && performance.now() < end) await operation();
  clearTimeout(timer);
  return ran;
}

describeEngines('a loop over operations that need not wait', () => {
  let memory: DirtyMemory;
  const ram = () => memory.ram.get('ram')!;

  beforeEach(() => {
    memory = smallEngine();
    memory.ram.plug({ id: 'ram', size: 10 * PAGE });
  });
  afterEach(() => memory.close());

  const plugAndUnplug = (): Promise<void> => memory.ram.unplug(memory.ram.plug({ id: 'more', size: 200 * PAGE }));
  const operations: [title: string, operation: () => Promise<unknown>][] = [
    ['harvest, with nothing dirty', async () => (await memory.harvest(VGA)).set.dispose()],
    [
      'harvest, with something dirty',
      async () => {
        memory.setDirty(0, VGA);
        (await memory.harvest(VGA)).set.dispose();
      },
    ],
    ['testAndClear', () => memory.testAndClear(0, PAGE, VGA)],
    ['snapshotAndClear', async () => (await memory.snapshotAndClear(0, PAGE, VGA)).dispose()],
    ['syncBitmap', () => memory.syncBitmap(ram())],
    ['synchronize', () => memory.rcu.synchronize()],
    ['barrier', () => memory.rcu.barrier()],
    ['plug and unplug', plugAndUnplug],
    ['track and stop', async () => (await memory.track(VGA)).stop()],
  ];
  for (const [title, operation] of operations) {
    it(`lets timers run: ${title}`, async () => {
      expect(await letsTimersRun(operation)).to.equal(true);
    });

    it(`lets timers run beside a reader of the same thread: ${title}`, async () => {
      const own = attachVcpu(memory.handle);
      expect(await letsTimersRun(operation)).to.equal(true);
      own.detach();
    });
  }

  it('turns the event loop once in a millisecond, which other turns count for too', async () => {
    const { rcu } = memory;
    const hostNow = performance.now;
    let clock = Math.ceil(hostNow.call(performance));
    performance.now = () => clock;
    try {
      for (const turn of [() => rcu.barrier(), () => rcu.breathe()]) {
        clock += 1;
        await turn();
        expect(rcu.breathe(), 'it has just turned').to.equal(undefined);
        clock += 0.75;
        expect(rcu.breathe(), 'not due yet').to.equal(undefined);
        clock += 0.25;
        expect(rcu.breathe(), 'due').to.be.instanceOf(Promise);
      }
    } finally {
      performance.now = hostNow;
    }
  });

  it('lets timers run: those that fail because the arena is full', async () => {
    const gone = memory.ram.plug({ id: 'gone', size: 200 * PAGE });
    const on = smallEngine({ tracked: 0 });
    on.ram.plug({ id: 'ram', size: 10 * PAGE });
    const allocators: Partial<Allocator>[] = [memory, on].map((of) => engineOf(of).allocator);
    const tracking = await on.track(CODE);
    for (const allocator of allocators) {
      allocator.allocateTable = allocator.allocateBlock = () => {
        throw new ArenaFullError('full, in this spec');
      };
    }
    for (const call of [
      () => memory.harvest(VGA),
      () => memory.ram.unplug(gone),
      () => on.track(VGA),
      () => tracking.stop(),
    ]) {
      expect(await letsTimersRun(() => expectReject(call, ArenaFullError)), `${call}`).to.equal(true);
    }
    for (const allocator of allocators) {
      delete allocator.allocateTable;
      delete allocator.allocateBlock;
    }
    await on.close();
  });
});

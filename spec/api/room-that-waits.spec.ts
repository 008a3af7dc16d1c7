import { expect } from 'chai';
import { Slot } from '../../lib/arena/layout.js';
import { engineOf } from '../../lib/dirty-memory.js';
import { ArenaFullError, type DirtyMemory, UsageError, VGA } from '../../lib/index.js';
import { attachVcpu, type Vcpu } from '../../lib/vcpu.js';
import { describeEngines, foreignVcpu, PAGE, range, reportUntil, smallEngine } from '../support/engines.js';
import { expectReject, expectThrow } from '../support/refusals.js';

const STUCK = "waiting for 'stuck' (identity 4711, slot 0) to report, go offline or be retired";

describeEngines('what is refused because a reader has not reported says so', () => {
  let memory: DirtyMemory;
  let vcpu: Vcpu;
  /** Until the reader has reported. */
  let unplugged: Promise<unknown>[];

  const begin = (engine: DirtyMemory): void => {
    memory = engine;
    vcpu = foreignVcpu(memory, 'stuck');
    unplugged = [];
  };
  afterEach(async () => {
    await reportUntil(vcpu, Promise.all(unplugged));
    vcpu.detach();
    await memory.close();
  });

  const unplug = (id: string): void => {
    unplugged.push(memory.ram.unplug(memory.ram.get(id)!));
  };

  it('plug, when the hole that there would be is of unplugged RAM', () => {
    begin(smallEngine());
    memory.ram.plug({ id: 'low', size: 1024 * PAGE });
    memory.ram.plug({ id: 'high', size: 3072 * PAGE });
    const again = (): unknown => memory.ram.plug({ id: 'again', size: 2000 * PAGE });
    expectThrow(again, RangeError, 'plug: size must be no more than 0, the largest hole', 2000 * PAGE);
    expect(() => again())
      .to.throw()
      .with.property('message')
      .that.does.not.contain('stuck');
    unplug('high');
    expectThrow(
      again,
      RangeError,
      'plug: size must be',
      `${3072 * PAGE} bytes belong to RAM`,
      'has not ended',
      STUCK,
      'await',
    );
  });

  it('plug at the place of unplugged RAM', async () => {
    begin(smallEngine());
    memory.ram.plug({ id: 'dimm', size: 64 * PAGE });
    unplug('dimm');
    const again = (): unknown => memory.ram.plug({ id: 'again', size: PAGE, offset: 0 });
    expectThrow(again, RangeError, "plug: 'again'", 'bytes 0 to 4096', 'unplugging has not ended', STUCK, 'await it');
    await reportUntil(vcpu, Promise.all(unplugged));
    again();
  });

  it('whatever finds the arena full of what is free after a grace period', async () => {
    begin(smallEngine());
    memory.ram.plug({ id: 'stays', size: 64 * PAGE });
    let full: unknown;
    const fill = (): void => {
      for (let i = 0; ; i++) {
        memory.ram.plug({ id: `dimm${i}`, size: 64 * PAGE });
        unplug(`dimm${i}`);
      }
    };
    try {
      fill();
    } catch (error) {
      full = error;
    }
    expect(full).to.be.instanceOf(Error);
    // The address space was used up first: nothing is taken back while the reader does not report.
    memory.setDirty(0, VGA);
    const calls = [() => memory.harvest(VGA), () => memory.ram.unplug(memory.ram.get('stays')!)];
    const { allocator } = engineOf(memory);
    const taken: number[] = [];
    expectThrow(() => {
      for (;;) taken.push(allocator.allocateBlock('the spec'));
    }, ArenaFullError);
    for (const call of calls) {
      await expectReject(call, ArenaFullError, 'are free after a grace period', STUCK, 'await rcu.synchronize()');
    }
    for (const block of taken) allocator.freeBlock(block);
    await reportUntil(vcpu, Promise.all(unplugged));
  });

  it('a collection that does not wait, while a reader is online', () => {
    begin(smallEngine());
    expectThrow(() => memory.whileStopped.harvest(VGA), UsageError, 'offline', "'stuck' (identity 4711");
  });

  it('attachVcpu, when every slot is taken: by whom, also by a thread that was killed while it left', () => {
    begin(smallEngine({ maxReaders: 3 }));
    const others = ['b', 'c'].map((name, i) => attachVcpu(memory.handle, { name, identity: i }));
    const attach = (): unknown => attachVcpu(memory.handle, { name: 'one more' });
    const taken = ["'stuck' (identity 4711)", "'b' (identity 0)", "'c' (identity 1)", 'detaches', 'retires'];
    expectThrow(attach, RangeError, 'attachVcpu', 'readers must be at most maxReaders = 3 at once', 'got 4', ...taken);
    const words = new Int32Array(memory.handle.memory.buffer);
    const slot = others[1]!.slot;
    words[slot + Slot.Leaving] = 1;
    expectThrow(attach, RangeError, ...taken);
    words[slot + Slot.Leaving] = 0;
    for (const other of others) other.detach();
  });

  it('attachVcpu names no more than some, where there are many', () => {
    begin(smallEngine({ maxReaders: 20 }));
    const others = range(1, 20).map((identity) => attachVcpu(memory.handle, { name: `vcpu${identity}`, identity }));
    expectThrow(() => attachVcpu(memory.handle), RangeError, "'vcpu7' (identity 7) and 12 more");
    for (const other of others) other.detach();
  });
});

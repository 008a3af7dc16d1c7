import { expect } from 'chai';
import type { Allocator } from '../../lib/arena/allocator.js';
import { engineOf } from '../../lib/dirty-memory.js';
import { ArenaFullError, CODE, type DirtyMemory, MIGRATION, VGA } from '../../lib/index.js';
import type { Vcpu } from '../../lib/vcpu.js';
import { describeEngines, foreignVcpu, PAGE, reportUntil, smallEngine } from '../support/engines.js';

/** Operations that need room in the arena, each of which ends when the reader reports. */
const OPERATIONS: readonly (readonly [name: string, run: (memory: DirtyMemory, vcpu: Vcpu) => Promise<unknown>])[] = [
  ['plug', async (memory) => memory.ram.plug({ id: 'more', offset: 64 * PAGE, size: PAGE })],
  ['unplug', (memory) => memory.ram.unplug(memory.ram.get('high') as never)],
  ['harvest', (memory) => memory.harvest(VGA)],
  ['whileStopped.harvest', async (memory, vcpu) => vcpu.offline(() => memory.whileStopped.harvest(VGA))],
  ['snapshotAndClear', (memory) => memory.snapshotAndClear(0, PAGE, VGA)],
  ['track', (memory) => memory.track(CODE)],
  ['measureDirtyRate', (memory) => memory.measureDirtyRate({ client: VGA, windowMs: 1 })],
];

describeEngines('room that a period has freed which has ended, and nobody has noticed yet', () => {
  let memory: DirtyMemory;
  let vcpu: Vcpu;
  let allocator: Allocator;

  /** All RAM is dirty for VGA; the arena is full but for what CODE has left, which waits for the reader. */
  beforeEach(async () => {
    memory = smallEngine({ tracked: VGA | MIGRATION });
    for (const [id, first] of [
      ['low', 0],
      ['high', 128],
    ] as const) {
      memory.ram.plug({ id, offset: first * PAGE, size: PAGE });
    }
    allocator = engineOf(memory).allocator;
    vcpu = foreignVcpu(memory);
    const tracking = await reportUntil(vcpu, memory.track(CODE));
    tracking.stop().catch(() => {});
    while (memory.tracked !== (VGA | MIGRATION)) await Promise.resolve();
    try {
      for (;;) allocator.allocateBlock('the spec');
    } catch (error) {
      if (!(error instanceof ArenaFullError)) throw error;
    }
  });
  afterEach(async () => {
    vcpu.detach();
    await memory.close();
  });

  for (const [name, run] of OPERATIONS) {
    it(`is ${name}'s`, async () => {
      expect(() => allocator.allocateBlock('nothing')).to.throw(ArenaFullError);
      vcpu.quiescent();
      await reportUntil(vcpu, run(memory, vcpu));
    });
  }
});

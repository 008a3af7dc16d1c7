/** A vCPU's thread: runs the guest's program at the given rate, and stands still on command. */
import type { ArenaHandle } from '../../arena/arena.js';
import { attachVcpu, type Vcpu } from '../../vcpu.js';
import { Command, GuestControl } from './guest-control.js';
import { type Store, storeOf, writePage } from './guest-program.js';
import { type GuestPlan, PAGE } from './plan.js';

export interface VcpuWork {
  readonly handle: ArenaHandle;
  readonly plan: GuestPlan;
  readonly control: SharedArrayBuffer;
  readonly ram: SharedArrayBuffer;
  readonly vcpu: number;
}

/** The throttle takes its share of each slice of this length. */
const SLICE_MS = 10;

/** Never returns: the thread is terminated. @param attached called when the vCPU stands still for the first time */
export function runVcpu(work: VcpuWork, attached: () => void): void {
  const { plan, vcpu: index } = work;
  const control = new GuestControl(plan.vcpus, work.control);
  const ram = new Int32Array(work.ram);
  const vcpu = attachVcpu(work.handle, { name: `vcpu${index}` });
  attached();
  let owed = 0;
  for (;;) {
    if (control.command === Command.Stand) vcpu.offline(() => control.stand());
    const share = control.throttle / 1000;
    const sliceMs = SLICE_MS * (1 - share);
    const began = performance.now();
    owed += (plan.dirtyRate / plan.vcpus / 1000) * sliceMs;
    while (owed >= 1 && control.command === Command.Run) {
      // Steps for which this slice has no time left are not made up for later.
      if (performance.now() - began >= sliceMs) owed = 0;
      step(plan, index, control, vcpu, ram);
      vcpu.quiescent();
      owed--;
    }
    owed = Math.max(0, owed);
    const restMs = SLICE_MS - (performance.now() - began);
    if (restMs > 0) vcpu.offline(() => control.rest(restMs));
  }
}

const store: Store = { page: 0, stamp: 0 };

/** One step, between two quiescent states. A paused machine has therefore no half-written pages. */
function step(plan: GuestPlan, index: number, control: GuestControl, vcpu: Vcpu, ram: Int32Array): void {
  const steps = control.steps(index) + 1;
  storeOf(plan, index, steps, store);
  const { page, stamp } = store;
  const dimm = Math.floor(page / plan.dimmPages);
  // A DIMM is unplugged only after every vCPU has been quiescent since its generation changed.
  const generation = control.generation(dimm);
  if (generation !== control.seen(index, dimm)) control.see(index, dimm, generation, steps - 1);
  if (generation % 2 === 1) {
    vcpu.mark(page * PAGE);
    writePage(ram, (page * PAGE) / 4, page, stamp);
  }
  control.setSteps(index, steps);
}

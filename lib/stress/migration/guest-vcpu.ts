/** A vCPU's thread: it runs the guest's program at the pace that it is given, and stands still when it is told to. */
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

/** The throttle takes its share of each. */
const SLICE_MS = 10;

/** @param attached called when it stands for the first time @returns never: the thread is terminated */
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
      // More than its time allows is not made up for later.
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

/** Between two quiescent states, so a machine that stands has whole pages only. */
function step(plan: GuestPlan, index: number, control: GuestControl, vcpu: Vcpu, ram: Int32Array): void {
  const steps = control.steps(index) + 1;
  storeOf(plan, index, steps, store);
  const { page, stamp } = store;
  const dimm = Math.floor(page / plan.dimmPages);
  // A DIMM goes when every vCPU has been quiescent since this was turned.
  const generation = control.generation(dimm);
  if (generation !== control.seen(index, dimm)) control.see(index, dimm, generation, steps - 1);
  if (generation % 2 === 1) {
    vcpu.mark(page * PAGE);
    writePage(ram, (page * PAGE) / 4, page, stamp);
  }
  control.setSteps(index, steps);
}

/**
 * What a vCPU thread of the stress test does: slices of stores and marks in a random pattern, in either order, each
 * slice within an interval; between them it reports, goes offline, pauses in a section, tries RAM that has gone, and at
 * last leaves to be replaced.
 */
import { Arena, type ArenaHandle } from '../arena/arena.js';
import type { Vcpu } from '../dirty/vcpu.js';
import { UsageError } from '../errors.js';
import { attachReader } from './attach-reader.js';
import { FAULTS, type Fault, suffer } from './faults.js';
import { Counter, DIMM_SLOTS, GONE_SLOTS, Guest, type Place } from './guest.js';
import { Choices } from './plan.js';
import { TableWatch } from './table-watch.js';
import { asFinding, type Finding } from './violations.js';

export interface WorkerTask {
  readonly handle: ArenaHandle;
  readonly guest: SharedArrayBuffer;
  readonly seed: number;
  /** Position among the workers; part of every value stored, so that each is unlike what it replaces. */
  readonly index: number;
  /** How many were in that position before. */
  readonly tenancy: number;
  readonly sabotage: string | undefined;
  /** Whether the thread may be killed, or kills itself. */
  readonly faults: boolean;
}

type Pattern = 'hot' | 'sweep' | 'scattered';
const PATTERNS: readonly Pattern[] = ['hot', 'sweep', 'scattered'];
const HOT_PAGES = 24;

/** All of them within one interval, as the contract allows. */
const ORDERS = ['store-first', 'mark-first', 'stores-at-the-end'] as const;

/** @returns what the worker found wrong, if anything, after the stop or its time */
export async function runVcpu(task: WorkerTask): Promise<Finding | undefined> {
  const guest = new Guest(task.guest);
  const name = `vcpu${task.index}.${task.tenancy}`;
  const vcpu = attachReader(task.handle, { name, sabotage: task.sabotage, fast: task.index % 2 === 0 });
  const workload = new VcpuWorkload(task, guest, vcpu);
  if (task.tenancy === 0) guest.count(Counter.Begun, 1);
  try {
    const found = workload.run();
    if (workload.fault !== undefined) await suffer(workload.fault);
    return found;
  } finally {
    vcpu.detach();
  }
}

class VcpuWorkload {
  /** What is to befall the thread now, if anything. */
  fault: Fault | undefined;
  private readonly task: WorkerTask;
  private readonly guest: Guest;
  private readonly vcpu: Vcpu;
  private readonly choices: Choices;
  private readonly watch: TableWatch;
  private readonly index: number;
  private readonly pageSize: number;
  private readonly late: number[] = [];
  private written = 0;
  private sweep = 0;

  constructor(task: WorkerTask, guest: Guest, vcpu: Vcpu) {
    this.task = task;
    this.guest = guest;
    this.vcpu = vcpu;
    this.index = task.index;
    this.choices = new Choices(task.seed, 1, task.index, task.tenancy);
    const { words, geometry } = Arena.attach('stress', task.handle);
    this.pageSize = geometry.pageSize;
    this.watch = new TableWatch(words, vcpu);
  }

  run(): Finding | undefined {
    const slices = this.choices.between(2_000, 20_000);
    for (let slice = 0; slice < slices && !this.guest.stopped; slice++) {
      const found = this.slice() ?? this.interlude();
      if (found !== undefined) return found;
      if (this.task.faults && this.choices.oneIn(1_000)) {
        // In turn, so that a short run has each.
        this.fault = FAULTS[(this.task.index + this.task.tenancy) % FAULTS.length] as Fault;
        if (this.choices.oneIn(2)) this.vcpu.readLock();
        return undefined;
      }
    }
    return undefined;
  }

  /** One interval. */
  private slice(): Finding | undefined {
    const place = this.guest.look(this.choices.between(0, DIMM_SLOTS - 1));
    if (place !== undefined) {
      const nested = this.choices.oneIn(16) ? this.choices.between(1, 3) : 0;
      for (let i = 0; i < nested; i++) this.vcpu.readLock();
      const found =
        this.storeAndMark(place, nested > 0 && this.choices.oneIn(8)) ??
        (nested > 0 && this.choices.oneIn(8) ? this.reportInSection() : undefined);
      for (let i = 0; i < nested; i++) this.vcpu.readUnlock();
      if (found !== undefined) return found;
    }
    this.vcpu.quiescent();
    return undefined;
  }

  private storeAndMark(place: Place, pause: boolean): Finding | undefined {
    const { choices, guest, vcpu, pageSize } = this;
    const pattern = choices.pick(PATTERNS);
    // A thread that may be killed marks first.
    const order = this.task.faults ? 'mark-first' : choices.pick(ORDERS);
    const length = choices.between(1, 200);
    let marks = 0;
    try {
      this.late.length = 0;
      for (let i = 0; i < length; i++) {
        const page = place.first + this.choosePage(pattern, place.pages);
        if (order === 'store-first') guest.write(page, this.nextValue());
        vcpu.mark(page * pageSize + (i & (pageSize - 1)));
        if (order === 'mark-first') guest.write(page, this.nextValue());
        else if (order === 'stores-at-the-end') this.late.push(page);
        marks++;
        if ((i & 15) === 0) {
          const wrong = this.watch.look();
          if (wrong !== undefined) return { oracle: 'use-after-free', detail: wrong };
        }
      }
      // The time in which a mark has found its bit set, and its store is still to come.
      if (this.late.length > 0 && choices.oneIn(8)) this.spin(choices.between(1, 50));
      for (const page of this.late) guest.write(page, this.nextValue());
      if (pause) this.spin(choices.between(1, 300));
    } catch (error) {
      // RAM that was withdrawn before it was unplugged may be gone; RAM that is announced may not.
      if (!(error instanceof RangeError) || guest.isCurrent(place)) return asFinding('mark', error);
      guest.count(Counter.Refused, 1);
    } finally {
      guest.count(Counter.Marks, marks);
    }
    return undefined;
  }

  private interlude(): Finding | undefined {
    const { choices, vcpu, guest } = this;
    if (choices.oneIn(8)) this.watch.flush(guest);
    if (choices.oneIn(64)) vcpu.offline(() => this.spin(choices.between(1, 50)));
    if (choices.oneIn(512)) vcpu.offline(() => guest.pause(choices.between(0, 2)));
    // Blocked while it is online: the owner can only wait.
    if (choices.oneIn(8_192)) guest.pause(choices.between(1, this.task.faults ? 300 : 20));
    if (choices.oneIn(64)) this.comeAndGo();
    if (choices.oneIn(32)) return this.markWhereNoRamIs();
    return undefined;
  }

  /** Other readers of this thread, for a moment. */
  private comeAndGo(): void {
    const count = this.choices.between(1, 3);
    for (let i = 0; i < count; i++) {
      const visitor = attachReader(this.task.handle, { name: 'visitor', sabotage: this.task.sabotage });
      if (this.choices.oneIn(2)) visitor.goOffline();
      visitor.detach();
    }
    this.guest.count(Counter.Attaches, count);
  }

  private reportInSection(): Finding | undefined {
    try {
      this.vcpu.quiescent();
    } catch (error) {
      return error instanceof UsageError ? undefined : asFinding('quiescent', error);
    }
    return { oracle: 'section', detail: `${this.vcpu.name} reported a quiescent state inside a section` };
  }

  /** The owner says that no RAM is there and that a grace period has ended since: any mark must be refused. */
  private markWhereNoRamIs(): Finding | undefined {
    const place = this.guest.look(DIMM_SLOTS + this.choices.between(0, GONE_SLOTS - 1));
    if (place === undefined) return undefined;
    this.vcpu.quiescent();
    const page = place.first + this.choices.between(0, place.pages - 1);
    try {
      this.vcpu.mark(page * this.pageSize);
    } catch (error) {
      if (!(error instanceof RangeError)) return asFinding('mark', error);
      this.guest.count(Counter.Refused, 1);
      return undefined;
    }
    if (!this.guest.isCurrent(place)) return undefined;
    return { oracle: 'mark-to-gone-ram', detail: `${this.vcpu.name} marked page ${page}, where there is no RAM` };
  }

  /** Unlike every value that any worker has stored of late. */
  private nextValue(): number {
    return (++this.written << 6) | this.index;
  }

  private choosePage(pattern: Pattern, pages: number): number {
    if (pattern === 'sweep') return this.sweep++ % pages;
    const random = this.choices.bits() >>> 0;
    return pattern === 'hot' ? random % Math.min(pages, HOT_PAGES) : random % pages;
  }

  private spin(microseconds: number): void {
    const end = performance.now() + microseconds / 1000;
    while (performance.now() < end && !this.vcpu.kicked);
  }
}

/**
 * The workload of a vCPU thread in the stress test. It makes slices: each slice stores to pages and marks them, in a
 * random pattern, in either order and by every form of mark, within one interval, during which it holds the object
 * behind a pointer. Some vCPUs store to pages that they have marked in the interval without another mark. Between slices
 * the vCPU reports, goes offline, pauses in a section, marks where RAM has been unplugged, and at last leaves to be
 * replaced.
 */
import { Arena, type ArenaHandle } from '../arena/arena.js';
import { UsageError } from '../base/errors.js';
import type { Vcpu } from '../dirty/vcpu.js';
import { attachReader } from './attach-reader.js';
import { AuditedRam, AuditedStores } from './audited-ram.js';
import { freeze } from './black-box.js';
import { FAULTS, type Fault, isSpared, suffer } from './faults.js';
import { BASE_SLOT, Counter, DIMM_SLOTS, GONE_SLOTS, Guest, type Place, warmPages } from './guest.js';
import { KeptMarks, WAYS_OF_LEARNING, type WayOfLearning } from './kept-marks.js';
import { type MarkForm, Marks, MOST_AT_ONCE } from './marks.js';
import { ObjectPool } from './object-pool.js';
import { ObjectWatch } from './object-watch.js';
import { Choices } from './plan.js';
import { TableWatch } from './table-watch.js';
import { asFinding, type Finding } from './violations.js';

export interface WorkerTask {
  readonly handle: ArenaHandle;
  readonly guest: SharedArrayBuffer;
  readonly objects: SharedArrayBuffer;
  /** The bytes of the RAM that is audited; undefined when the run has none. */
  readonly audited: SharedArrayBuffer | undefined;
  readonly seed: number;
  /** The thread's place among the workers. It is part of every stored value, so that each store changes its cell. */
  readonly index: number;
  /** How many threads had this place before. */
  readonly tenancy: number;
  readonly sabotage: string | undefined;
  /** Whether the thread may be killed, or kills itself. */
  readonly faults: boolean;
  /** As `Shape.learning`. */
  readonly learning: WayOfLearning | undefined;
}

type Pattern = 'hot' | 'sweep' | 'scattered' | 'cold';
const PATTERNS: readonly Pattern[] = ['hot', 'sweep', 'scattered', 'cold'];
/** Most marks of a slice. */
const MOST_MARKS = 200;
const MOST_RANGES = 25;
const MOST_AUDITED = 3;
const MOST_COLD = 4;
const HOT_PAGES = 24;

/** The orders of stores and marks in a slice. All are allowed, because a slice lies within one interval. */
const ORDERS = ['store-first', 'mark-first', 'stores-at-the-end'] as const;

/** The forms to choose from; half of them is `mark`, which interpreters use. */
const FORMS: readonly MarkForm[] = [
  'mark',
  'mark',
  'mark',
  'mark',
  'markPage',
  'markRange',
  'markRange by client',
  'markRangeAndList',
  'generated',
];

/** Runs until the stop, or until the thread's time is over. @returns what the worker found wrong, if anything */
export async function runVcpu(task: WorkerTask): Promise<Finding | undefined> {
  const guest = new Guest(task.guest);
  const name = `vcpu${task.index}.${task.tenancy}`;
  const vcpu = attachReader(task.handle, { name, sabotage: task.sabotage, fast: task.index % 2 === 0 });
  const workload = new VcpuWorkload(task, guest, vcpu);
  if (task.tenancy === 0) guest.count(Counter.Begun, 1);
  vcpu.offline(() => guest.awaitStart());
  try {
    const found = workload.run();
    if (found !== undefined) freeze(task.handle);
    if (workload.fault !== undefined) await suffer(workload.fault);
    return found;
  } finally {
    workload.flush();
    vcpu.detach();
  }
}

class VcpuWorkload {
  /** The fault that the thread has to suffer now, if any. */
  fault: Fault | undefined;
  private readonly task: WorkerTask;
  private readonly guest: Guest;
  private readonly vcpu: Vcpu;
  private readonly choices: Choices;
  private readonly watch: TableWatch;
  private readonly object: ObjectWatch;
  private readonly marks: Marks;
  /** Undefined for a vCPU that marks each store: one in four, unless all learn in the same way. */
  private readonly kept: KeptMarks | undefined;
  private readonly audited: AuditedStores | undefined;
  private readonly index: number;
  private readonly pageSize: number;
  private readonly late: number[] = [];
  private written = 0;
  private stored = 0;
  private sweep = 0;

  constructor(task: WorkerTask, guest: Guest, vcpu: Vcpu) {
    this.task = task;
    this.guest = guest;
    this.vcpu = vcpu;
    this.index = task.index;
    this.choices = new Choices(task.seed, 1, task.index, task.tenancy);
    const arena = Arena.attach('stress', task.handle);
    this.pageSize = arena.geometry.pageSize;
    this.watch = new TableWatch(arena.words, vcpu);
    this.object = new ObjectWatch(new ObjectPool(task.objects), vcpu.name);
    const { choices } = this;
    this.marks = new Marks(arena, vcpu, guest, task);
    const way = task.learning ?? WAYS_OF_LEARNING[(((task.seed >>> 0) % 4) + task.index + task.tenancy) % 4];
    this.kept = way && new KeptMarks(vcpu, way);
    const parts = { guest, marks: this.marks, choices, sabotage: task.sabotage };
    this.audited = task.audited && new AuditedStores(vcpu, new AuditedRam(task.audited), parts);
  }

  flush(): void {
    this.watch.flush(this.guest);
    this.object.flush(this.guest);
    this.marks.flush();
    this.guest.count(Counter.Kept, this.stored);
    this.stored = 0;
    this.audited?.flush();
  }

  run(): Finding | undefined {
    const slices = this.choices.between(2_000, 20_000);
    const faultAt = this.task.faults ? this.chooseFaultTime() : Infinity;
    for (let slice = 0; slice < slices && !this.guest.stopped; slice++) {
      const found = this.slice() ?? this.interlude();
      if (found !== undefined) return found;
      if (slice === faultAt) {
        // Take the faults in turn, so that a short run has each kind.
        this.fault = FAULTS[(this.task.index + this.task.tenancy) % FAULTS.length] as Fault;
        if (this.choices.oneIn(2)) this.vcpu.readLock();
        return undefined;
      }
    }
    return undefined;
  }

  /** Early for threads that are not killed, so that even a short run on a slow machine has faults. */
  private chooseFaultTime(): number {
    return isSpared(this.task.tenancy) ? 2 ** this.choices.between(2, 8) : this.choices.between(1, 800);
  }

  /** Makes one slice. */
  private slice(): Finding | undefined {
    const place = this.guest.look(this.choices.oneIn(12) ? BASE_SLOT : this.choices.between(0, DIMM_SLOTS - 1));
    // Sometimes begin a new interval after reading the directory, so that the place is older than the interval.
    if (this.choices.oneIn(8)) this.report();
    this.marks.beginInterval();
    this.object.take();
    if (place !== undefined) {
      const nested = this.choices.oneIn(16) ? this.choices.between(1, 3) : 0;
      for (let i = 0; i < nested; i++) this.vcpu.readLock();
      const found =
        this.storeAndMark(place, nested > 0 && this.choices.oneIn(8)) ??
        (nested > 0 && this.choices.oneIn(8) ? this.reportInSection() : undefined);
      for (let i = 0; i < nested; i++) this.vcpu.readUnlock();
      if (found !== undefined) return found;
    }
    const unstored = this.choices.oneIn(16) ? this.storeAudited() : undefined;
    if (unstored !== undefined) return unstored;
    if (this.choices.oneIn(64)) this.spin(this.choices.between(1, 200));
    const stale = this.object.look();
    if (stale !== undefined) return stale;
    this.report();
    return undefined;
  }

  /** The block of these stores is always RAM, so no error is expected. */
  private storeAudited(): Finding | undefined {
    try {
      this.audited?.make(this.choices.between(1, MOST_AUDITED), () => this.nextValue());
    } catch (error) {
      return asFinding('store', error);
    }
    return undefined;
  }

  private storeAndMark(place: Place, pause: boolean): Finding | undefined {
    const { choices, guest, marks, pageSize } = this;
    const form = choices.pick(FORMS);
    const isRange = form.startsWith('markRange');
    const pattern = choices.pick(PATTERNS);
    const isCold = pattern === 'cold';
    // A thread that may be killed marks first, so that its death loses no update.
    const order = isCold ? 'stores-at-the-end' : this.task.faults ? 'mark-first' : choices.pick(ORDERS);
    const length = choices.between(1, isCold ? MOST_COLD : isRange ? MOST_RANGES : MOST_MARKS);
    const end = isCold ? place.pages : warmPages(place);
    const kept = choices.oneIn(2) ? this.kept : undefined;
    let marked = 0;
    try {
      this.late.length = 0;
      for (let i = 0; i < length; i++) {
        const offset = this.choosePage(pattern, place);
        const first = place.first + offset;
        if (kept?.has(first)) {
          if (order === 'stores-at-the-end') this.late.push(first);
          else this.storeTo(first, 1);
          this.stored++;
          continue;
        }
        const count = isRange ? Math.min(1 + (i % MOST_AT_ONCE), end - offset) : 1;
        if (order === 'store-first') this.storeTo(first, count);
        marks.make(form, place, first, count, i & (pageSize - 1));
        if (kept !== undefined) for (let page = first; page < first + count; page++) kept.add(page);
        if (order === 'mark-first') this.storeTo(first, count);
        else if (order === 'stores-at-the-end')
          for (let page = first; page < first + count; page++) this.late.push(page);
        marked += count;
        if ((i & 15) === 0) {
          const wrong = this.watch.look();
          if (wrong !== undefined) return { oracle: 'use-after-free', detail: wrong };
        }
      }
      // Lengthen the time between a mark that found its bit set, and the store that belongs to it.
      if (this.late.length > 0 && (isCold || choices.oneIn(8))) this.spin(choices.between(1, 50));
      for (const page of this.late) guest.write(page, this.nextValue());
      if (pause) this.spin(choices.between(1, 300));
    } catch (error) {
      // A mark may be refused only if the directory has withdrawn the RAM; RAM that is still announced must accept it.
      if (!(error instanceof RangeError) || guest.isCurrent(place)) return asFinding('mark', error);
      guest.count(Counter.Refused, 1);
    } finally {
      guest.countMarks(this.index, marked);
    }
    return undefined;
  }

  private interlude(): Finding | undefined {
    const { choices, guest } = this;
    if (choices.oneIn(8)) this.flush();
    if (choices.oneIn(64)) {
      const found = this.goAway();
      if (found !== undefined) return found;
    }
    if (choices.oneIn(512)) this.pauseOffline(2);
    if (this.kept !== undefined && choices.oneIn(128)) {
      const found = this.storeAround(this.kept, choices.oneIn(2));
      if (found !== undefined) return found;
    }
    // Block while online: the owner has to wait for this reader.
    if (choices.oneIn(8_192)) guest.pause(choices.between(1, this.task.faults ? 300 : 20));
    if (choices.oneIn(64)) this.comeAndGo();
    if (choices.oneIn(32)) return this.markWhereNoRamIs();
    return undefined;
  }

  private pauseOffline(mostMs: number): void {
    this.vcpu.offline(() => this.guest.pause(this.choices.between(0, mostMs)));
    this.kept?.cameBack();
  }

  /**
   * Reports until an interval has ended, if one does soon, and waits for a while in the next. It blocks, so that the
   * owner has a core to copy pages with.
   */
  private changeIntervals(): void {
    const { interval } = this.vcpu;
    const end = performance.now() + this.choices.between(1, 20);
    do {
      this.guest.pause(1);
      this.report();
    } while (this.vcpu.interval === interval && performance.now() < end);
    this.guest.pause(this.choices.between(0, 5));
  }

  /**
   * Stores to one cold page, spends time in which the interval ends, and stores to the page again. Nobody marks the page
   * again soon, so that it shows when a mark was kept for too long.
   */
  private storeAround(kept: KeptMarks, offline: boolean): Finding | undefined {
    const { choices, guest, marks } = this;
    const place = guest.look(choices.oneIn(2) ? BASE_SLOT : choices.between(0, DIMM_SLOTS - 1));
    if (place === undefined) return undefined;
    const page = place.first + this.choosePage('cold', place);
    try {
      for (let time = 0; time < 2; time++) {
        if (time === 1) {
          if (offline) this.pauseOffline(5);
          else this.changeIntervals();
        }
        if (kept.has(page)) this.stored++;
        else {
          marks.make('mark', place, page, 1, 0);
          kept.add(page);
          guest.countMarks(this.index, 1);
        }
        guest.write(page, this.nextValue());
      }
    } catch (error) {
      if (!(error instanceof RangeError) || guest.isCurrent(place)) return asFinding('mark', error);
      guest.count(Counter.Refused, 1);
    }
    return undefined;
  }

  /** Goes offline for a moment, and compares the meter with the thread's own account. */
  private goAway(): Finding | undefined {
    const compared = this.vcpu.offline(() => {
      this.spin(this.choices.between(1, 50));
      return this.marks.compareMeter();
    });
    this.kept?.cameBack();
    return typeof compared === 'number' ? undefined : compared;
  }

  /** Attaches other readers on this thread for a moment. */
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

  /**
   * Marks where the owner says that the RAM is gone and that a grace period has ended since: the mark must be refused.
   */
  private markWhereNoRamIs(): Finding | undefined {
    const place = this.guest.look(DIMM_SLOTS + this.choices.between(0, GONE_SLOTS - 1));
    if (place === undefined) return undefined;
    this.report();
    const page = place.first + this.choices.between(0, place.pages - 1);
    this.marks.beginInterval();
    try {
      this.marks.make(this.choices.pick(FORMS), place, page, 1, 0);
    } catch (error) {
      if (!(error instanceof RangeError)) return asFinding('mark', error);
      this.guest.count(Counter.Refused, 1);
      return undefined;
    }
    if (!this.guest.isCurrent(place)) return undefined;
    return { oracle: 'mark-to-gone-ram', detail: `${this.vcpu.name} marked page ${page}, where there is no RAM` };
  }

  private report(): void {
    if (this.kept === undefined) this.vcpu.quiescent();
    else this.kept.quiescent();
  }

  private storeTo(first: number, count: number): void {
    for (let page = first; page < first + count; page++) this.guest.write(page, this.nextValue());
  }

  /** @returns a value that no worker has stored recently */
  private nextValue(): number {
    return (++this.written << 6) | this.index;
  }

  private choosePage(pattern: Pattern, place: Place): number {
    const warm = warmPages(place);
    if (pattern === 'sweep') return this.sweep++ % warm;
    const random = this.choices.bits() >>> 0;
    if (pattern === 'hot') return random % Math.min(warm, HOT_PAGES);
    // A place of a few pages has no cold pages.
    return pattern === 'cold' && warm < place.pages ? warm + (random % (place.pages - warm)) : random % warm;
  }

  private spin(microseconds: number): void {
    const end = performance.now() + microseconds / 1000;
    while (performance.now() < end && !this.vcpu.kicked);
  }
}

import { engineOf } from '../../lib/dirty-memory.js';
import { changedRectangles, DirtyMemory, VGA } from '../../lib/index.js';
import { CheckedRanges } from '../../lib/ram/checked-ranges.js';
import { Tracking } from '../../lib/tracking.js';
import { attachVcpu } from '../../lib/vcpu.js';
import { callback, needed, options, size, text } from './argument-domains.js';
import { guestOperations } from './guest-operations.js';
import { value } from './hostile-values.js';
import { migrationOperations } from './migration-operations.js';
import { operation, type PublicOperation } from './public-operation.js';
import { saveStatesOperations } from './save-states-operations.js';
import { traceOperations } from './trace-operations.js';
import {
  anyLength,
  anyStart,
  bits,
  block,
  client,
  creation,
  event,
  handle,
  identity,
  into,
  length,
  list,
  listener,
  mask,
  optionalClient,
  page,
  pages,
  partLength,
  partStart,
  place,
  plugging,
  powerOfTwo,
  reclaiming,
  start,
  surface,
  type World,
  wait,
  waits,
  whole,
  worker,
  yes,
} from './world-arguments.js';

/** Another user of a client than the engine's own. */
function userOf({ memory }: World): Tracking {
  const engine = engineOf(memory);
  const bitmap = engine.bitmapOf(VGA);
  const ranges = new CheckedRanges(engine.ram, memory.pageSize);
  return new Tracking({ engine, ranges, bitmap, user: engine.users.join(bitmap, 'fuzz') });
}

export const publicOperations: Readonly<Record<string, PublicOperation>> = {
  'DirtyMemory.create': operation((_, o) => DirtyMemory.create(o), creation),
  'DirtyMemory.reclaim': operation((_, o) => DirtyMemory.reclaim(o), reclaiming),
  'DirtyMemory.handle': operation(({ memory }) => memory.handle),
  'DirtyMemory.pageSize': operation(({ memory }) => memory.pageSize),
  'DirtyMemory.track': operation(
    ({ memory }, c, o) => memory.track(c, o),
    client,
    options<World>({ name: text<World>(() => 'display'), ...waits }),
  ),
  'DirtyMemory.tracked': operation(({ memory }) => memory.tracked),
  'DirtyMemory.setDirty': operation(({ memory }, a, c) => memory.setDirty(a, c), start, client),
  'DirtyMemory.setDirtyRange': operation(
    ({ memory }, s, l, m) => memory.setDirtyRange(s, l, m),
    start,
    length,
    needed(mask),
  ),
  'DirtyMemory.setDirtyBitmap': operation(
    ({ memory }, b, s, p, o) => memory.setDirtyBitmap(b, s, p, o),
    bits,
    start,
    needed(size<World>(() => 1, 65, 2 ** 52)),
    options<World>({ hostPageSize: powerOfTwo(4096), mask }),
  ),
  'DirtyMemory.isDirty': operation(({ memory }, s, l, c) => memory.isDirty(s, l, c), start, length, client),
  'DirtyMemory.allDirty': operation(({ memory }, s, l, c) => memory.allDirty(s, l, c), start, length, client),
  'DirtyMemory.includesClean': operation(
    ({ memory }, s, l, m) => memory.includesClean(s, l, m),
    start,
    length,
    needed(mask),
  ),
  'DirtyMemory.dirty': operation(({ memory }, c) => memory.dirty(c), client),
  'DirtyMemory.testAndClear': operation(
    ({ memory }, s, l, c, o) => memory.testAndClear(s, l, c, o),
    start,
    length,
    client,
    wait,
  ),
  'DirtyMemory.snapshotAndClear': operation(
    ({ memory }, s, l, c, o) => memory.snapshotAndClear(s, l, c, o),
    start,
    length,
    client,
    wait,
  ),
  'DirtyMemory.syncBitmap': operation(({ memory }, b, o) => memory.syncBitmap(b, o), block, wait),
  'DirtyMemory.harvest': operation(
    ({ memory }, c, o) => memory.harvest(c, o),
    client,
    options<World>({ ...waits, into, maxPages: size<World>(() => 2 ** 32, 0, 2 ** 32 + 1) }),
  ),
  'DirtyMemoryWhileStopped.testAndClear': operation(
    ({ memory }, s, l, c) => memory.whileStopped.testAndClear(s, l, c),
    start,
    length,
    client,
  ),
  'DirtyMemoryWhileStopped.snapshotAndClear': operation(
    ({ memory }, s, l, c) => memory.whileStopped.snapshotAndClear(s, l, c),
    start,
    length,
    client,
  ),
  'DirtyMemoryWhileStopped.syncBitmap': operation(({ memory }, b) => memory.whileStopped.syncBitmap(b), block),
  'DirtyMemoryWhileStopped.harvest': operation(
    ({ memory }, c, o) => memory.whileStopped.harvest(c, o),
    client,
    options<World>({ into }),
  ),
  'DirtyMemory.measureDirtyRate': operation(
    ({ memory }, o) => memory.measureDirtyRate(o),
    options<World>({ ...waits, windowMs: size<World>(() => 1, 0, 3_600_001), client: optionalClient }, ['windowMs']),
  ),
  'DirtyMemory.limitDirtyRate': operation(
    ({ memory }, r, o) => memory.limitDirtyRate(r, o),
    size<World>(() => 1_000_000, 0, 2 ** 31),
    options<World>({ identity }),
  ),
  'DirtyMemory.createPageSet': operation(({ memory }) => memory.createPageSet()),
  'DirtyMemory.supervise': operation(({ memory }, w) => memory.supervise(w), worker),
  'DirtyMemory.retire': operation(({ memory }, i) => memory.retire(i), needed(identity)),
  'DirtyMemory.on': operation(({ memory }, e, l) => memory.on(e, l), event, callback()),
  'DirtyMemory.off': operation(({ memory }, e, l) => memory.off(e, l), event, callback()),
  'DirtyMemory.stats': operation(({ memory }) => memory.stats()),
  'DirtyMemory.close': operation(({ memory }, o) => memory.close(o), wait),

  'RamList.plug': operation(({ memory }, o) => memory.ram.plug(o), plugging),
  'RamList.unplug': operation(({ memory }, b) => memory.ram.unplug(b), block),
  'RamList.find': operation(({ memory }, a) => memory.ram.find(a), anyStart),
  'RamList.get': operation(({ memory }, i) => memory.ram.get(i), needed(text<World>(() => 'ram'))),
  'RamList.[Symbol.iterator]': operation(({ memory }) => [...memory.ram]),
  'RamList.bytes': operation(({ memory }) => memory.ram.bytes),
  'RamList.populatedBytes': operation(({ memory }) => memory.ram.populatedBytes),
  'RamList.end': operation(({ memory }) => memory.ram.end),
  'RamList.resize': operation(
    ({ memory }, b, s) => memory.ram.resize(b, s),
    block,
    needed(size<World>(whole, 0, 2 ** 52)),
  ),
  'RamList.addListener': operation(({ memory }, l) => memory.ram.addListener(l), needed(listener)),

  'Vcpu.markRangeAndList': operation(
    ({ vcpu }, s, l, c, p) => vcpu.markRangeAndList(s, l, c, p),
    start,
    length,
    client,
    list,
  ),
  'RamBlock.size': operation(({ block: { size } }) => size),
  'RamBlock.discard': operation(({ block }, o, l) => block.discard(o, l), partStart, partLength),
  'RamBlock.populate': operation(({ block }, o, l) => block.populate(o, l), partStart, partLength),
  'RamBlock.isPopulated': operation(({ block }, o, l) => block.isPopulated(o, l), partStart, partLength),
  'RamBlock.populatedRuns': operation(({ block }) => block.populatedRuns()),

  'Tracking.pending': operation((world) => userOf(world).pending),
  'Tracking.isDirty': operation((world, s, l) => userOf(world).isDirty(s, l), start, length),
  'Tracking.allDirty': operation((world, s, l) => userOf(world).allDirty(s, l), start, length),
  'Tracking.dirty': operation((world) => userOf(world).dirty()),
  'Tracking.testAndClear': operation((world, s, l, o) => userOf(world).testAndClear(s, l, o), start, length, wait),
  'Tracking.snapshotAndClear': operation(
    (world, s, l, o) => userOf(world).snapshotAndClear(s, l, o),
    start,
    length,
    wait,
  ),
  'Tracking.harvest': operation(
    (world, o) => userOf(world).harvest(o),
    options<World>({ ...waits, into, maxPages: size<World>(() => 2 ** 32, 0, 2 ** 32 + 1) }),
  ),
  'Tracking.stop': operation((world) => userOf(world).stop()),
  'Tracking.[Symbol.asyncDispose]': operation((world) => userOf(world)[Symbol.asyncDispose]()),
  'TrackingWhileStopped.harvest': operation(
    (world, o) => userOf(world).whileStopped.harvest(o),
    options<World>({ into }),
  ),
  'TrackingWhileStopped.snapshotAndClear': operation(
    (world, s, l) => userOf(world).whileStopped.snapshotAndClear(s, l),
    start,
    length,
  ),
  'TrackingWhileStopped.testAndClear': operation(
    (world, s, l) => userOf(world).whileStopped.testAndClear(s, l),
    start,
    length,
  ),

  'Rcu.synchronize': operation(({ memory }, o) => memory.rcu.synchronize(o), wait),
  'Rcu.synchronizeBlocking': operation(
    ({ memory }, o) => memory.rcu.synchronizeBlocking(o),
    options<World>({ timeoutMs: waits.timeoutMs }),
  ),
  'Rcu.callRcu': operation(({ memory }, f) => memory.rcu.callRcu(f), callback()),
  'Rcu.barrier': operation(({ memory }) => memory.rcu.barrier()),
  'Rcu.startPoll': operation(({ memory }) => memory.rcu.startPoll()),
  // A cookie of another engine's is a number as good as any, unless it is too large for this one.
  'Rcu.poll': operation(({ memory }, c) => memory.rcu.poll(c), needed(size<World>(() => 1, 0, 10 ** 9))),
  'Rcu.kick': operation(({ memory }) => memory.rcu.kick()),
  'Rcu.holdouts': operation(({ memory }) => memory.rcu.holdouts()),
  'Rcu.completed': operation(({ memory }) => memory.rcu.completed),
  'Rcu.pendingCallbacks': operation(({ memory }) => memory.rcu.pendingCallbacks),

  'PageSet.pages': operation(({ set }) => set.pages),
  'PageSet.has': operation(({ set }, s, l) => set.has(s, l), anyStart, anyLength),
  'PageSet.delete': operation(({ set }, s, l) => set.delete(s, l), anyStart, anyLength),
  'PageSet.add': operation(({ set }, s, l) => set.add(s, l), anyStart, anyLength),
  'PageSet.union': operation(({ set }, o) => set.union(o), needed(into)),
  'PageSet.runs': operation(({ set }, o) => [...set.runs(o)], options<World>({ block: place })),
  'PageSet.[Symbol.iterator]': operation(({ set }) => [...set]),
  'PageSet.dispose': operation(({ set }) => set.dispose()),
  'PageSet.[Symbol.dispose]': operation(({ set }) => set[Symbol.dispose]()),

  changedRectangles: operation((_, p, s) => changedRectangles(p, s), needed(pages), surface),

  attachVcpu: operation(
    (_, h, o) => attachVcpu(h, o),
    handle,
    options<World>({
      name: text<World>(
        () => 'one',
        value('a long name', () => 'n'.repeat(49)),
      ),
      identity,
      giveWay: yes,
    }),
  ),
  'Vcpu.mark': operation(({ vcpu }, a) => vcpu.mark(a), start),
  'Vcpu.markPage': operation(({ vcpu }, p, c) => vcpu.markPage(p, c), page, client),
  'Vcpu.markRange': operation(({ vcpu }, s, l, m) => vcpu.markRange(s, l, m), start, length, needed(mask)),
  'Vcpu.isDirty': operation(({ vcpu }, s, l, c) => vcpu.isDirty(s, l, c), start, length, client),
  'Vcpu.allDirty': operation(({ vcpu }, s, l, c) => vcpu.allDirty(s, l, c), start, length, client),
  'Vcpu.includesClean': operation(({ vcpu }, s, l, m) => vcpu.includesClean(s, l, m), start, length, needed(mask)),
  'Vcpu.online': operation(({ vcpu }) => vcpu.online),
  'Vcpu.inSection': operation(({ vcpu }) => vcpu.inSection),
  'Vcpu.interval': operation(({ vcpu }) => vcpu.interval),
  'Vcpu.quiescent': operation(({ vcpu }) => vcpu.quiescent()),
  'Vcpu.onInterval': operation(({ vcpu }, listener) => vcpu.onInterval(listener), callback()),
  'Vcpu.kicked': operation(({ vcpu }) => vcpu.kicked),
  'Vcpu.readLock': operation(({ vcpu }) => vcpu.readLock()),
  'Vcpu.readUnlock': operation(({ vcpu }) => vcpu.readUnlock()),
  'Vcpu.read': operation(({ vcpu }, body) => vcpu.read(body), callback()),
  'Vcpu.goOffline': operation(({ vcpu }) => vcpu.goOffline()),
  'Vcpu.goOnline': operation(({ vcpu }) => vcpu.goOnline()),
  'Vcpu.offline': operation(({ vcpu }, body) => vcpu.offline(body), callback()),
  'Vcpu.detach': operation(({ vcpu }) => vcpu.detach()),

  ...migrationOperations,
  ...saveStatesOperations(userOf),
  ...guestOperations(userOf),
  ...traceOperations,
};

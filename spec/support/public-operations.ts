import { Client, changedRectangles, DirtyMemory } from '../../lib/index.js';
import { attachVcpu } from '../../lib/vcpu.js';
import { callback, type Domain, needed, options, size, text } from './argument-domains.js';
import { value } from './hostile-values.js';
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
  listener,
  mask,
  page,
  pages,
  plugging,
  powerOfTwo,
  start,
  surface,
  type World,
  wait,
  waits,
  worker,
} from './world-arguments.js';

export interface PublicOperation {
  readonly call: (world: World, ...args: never[]) => unknown;
  readonly parameters: readonly Domain<World>[];
}

function operation(call: PublicOperation['call'], ...parameters: Domain<World>[]): PublicOperation {
  return { call, parameters };
}

export const publicOperations: Readonly<Record<string, PublicOperation>> = {
  'DirtyMemory.create': operation((_, o) => DirtyMemory.create(o), creation),
  'DirtyMemory.handle': operation(({ memory }) => memory.handle),
  'DirtyMemory.pageSize': operation(({ memory }) => memory.pageSize),
  'DirtyMemory.track': operation(({ memory }, c, o) => memory.track(c, o), client, wait),
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
  'DirtyMemory.testAndClearUnsynchronized': operation(
    ({ memory }, s, l, c) => memory.testAndClearUnsynchronized(s, l, c),
    start,
    length,
    client,
  ),
  'DirtyMemory.snapshotAndClearUnsynchronized': operation(
    ({ memory }, s, l, c) => memory.snapshotAndClearUnsynchronized(s, l, c),
    start,
    length,
    client,
  ),
  'DirtyMemory.syncBitmapUnsynchronized': operation(({ memory }, b) => memory.syncBitmapUnsynchronized(b), block),
  'DirtyMemory.harvestUnsynchronized': operation(
    ({ memory }, c, o) => memory.harvestUnsynchronized(c, o),
    client,
    options<World>({ into }),
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
  'RamList.end': operation(({ memory }) => memory.ram.end),
  'RamList.addListener': operation(({ memory }, l) => memory.ram.addListener(l), needed(listener)),

  'Tracking.stop': operation(async ({ memory }) => (await memory.track(Client.Vga)).stop()),

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
  'PageSet.runs': operation(({ set }) => [...set.runs()]),
  'PageSet.dispose': operation(({ set }) => set.dispose()),

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
  'Vcpu.quiescent': operation(({ vcpu }) => vcpu.quiescent()),
  'Vcpu.kicked': operation(({ vcpu }) => vcpu.kicked),
  'Vcpu.readLock': operation(({ vcpu }) => vcpu.readLock()),
  'Vcpu.readUnlock': operation(({ vcpu }) => vcpu.readUnlock()),
  'Vcpu.read': operation(({ vcpu }, body) => vcpu.read(body), callback()),
  'Vcpu.goOffline': operation(({ vcpu }) => vcpu.goOffline()),
  'Vcpu.goOnline': operation(({ vcpu }) => vcpu.goOnline()),
  'Vcpu.offline': operation(({ vcpu }, body) => vcpu.offline(body), callback()),
  'Vcpu.detach': operation(({ vcpu }) => vcpu.detach()),
};

/**
 * A DMA device: a thread with a reader that is offline between transfers. A transfer writes a range of pages and marks
 * them when it is complete, within one interval. In the RAM that is never unplugged, the device's meter tells how many
 * pages a transfer turned dirty.
 */
import { Arena } from '../arena/arena.js';
import { Header } from '../arena/layout.js';
import { attachReader } from './attach-reader.js';
import { BASE_SLOT, Counter, DIMM_SLOTS, Guest, warmPages } from './guest.js';
import { Marks } from './marks.js';
import { ObjectPool } from './object-pool.js';
import { ObjectWatch } from './object-watch.js';
import { Choices } from './plan.js';
import { TableWatch } from './table-watch.js';
import type { WorkerTask } from './vcpu-workload.js';
import { asFinding, type Finding } from './violations.js';

export function runDevice(task: WorkerTask): Finding | undefined {
  const guest = new Guest(task.guest);
  const choices = new Choices(task.seed, 2, task.index, task.tenancy);
  const device = attachReader(task.handle, { name: `device${task.index}.${task.tenancy}`, sabotage: task.sabotage });
  const arena = Arena.attach('stress', task.handle);
  const { words } = arena;
  const watch = new TableWatch(words, device);
  const object = new ObjectWatch(new ObjectPool(task.objects), device.name);
  const marks = new Marks(arena, device, guest, task);
  const flush = (): void => {
    watch.flush(guest);
    object.flush(guest);
    marks.flush();
  };
  guest.count(Counter.Begun, 1);
  try {
    device.goOffline();
    guest.awaitStart();
    for (let transfer = 0; !guest.stopped; transfer++) {
      if (choices.oneIn(4)) guest.pause(1);
      // A spurious wake-up: whoever waits must check again. Not with a planted bug, because it would replace a lost
      // notify.
      if (task.sabotage === undefined) words.notify(Header.Wake);
      const place = guest.look(choices.oneIn(8) ? BASE_SLOT : choices.between(0, DIMM_SLOTS - 1));
      if (place === undefined) continue;
      const offset = choices.between(0, warmPages(place) - 1);
      const first = place.first + offset;
      const pages = Math.min(choices.between(1, 256), warmPages(place) - offset);
      device.goOnline();
      object.take();
      try {
        for (let page = first; page < first + pages; page++) guest.write(page, (transfer << 6) | task.index);
        if (place.slot === BASE_SLOT) marks.makeBaseRange(first, pages);
        else marks.make('markRange', place, first, pages, 0);
        guest.countMarks(task.index, pages);
        const wrong = watch.look();
        if (wrong !== undefined) return { oracle: 'use-after-free', detail: wrong };
      } catch (error) {
        if (!(error instanceof RangeError) || guest.isCurrent(place)) return asFinding('markRange', error);
        guest.count(Counter.Refused, 1);
      }
      const stale = object.look();
      if (stale !== undefined) return stale;
      device.goOffline();
      const metered = marks.compareMeter();
      if (typeof metered !== 'number') return metered;
      if (place.slot === BASE_SLOT) marks.meterBase(metered);
      if ((transfer & 63) === 0) flush();
    }
    return undefined;
  } finally {
    flush();
    device.detach();
  }
}

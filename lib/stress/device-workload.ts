/**
 * A DMA device: a registered thread that is offline between transfers. A transfer writes a range of pages and marks it
 * after completion, in one interval.
 */
import { Arena } from '../arena/arena.js';
import { Header } from '../arena/layout.js';
import { ALL_CLIENTS } from '../dirty/client.js';
import { attachReader } from './attach-reader.js';
import { Counter, DIMM_SLOTS, Guest } from './guest.js';
import { Choices } from './plan.js';
import { TableWatch } from './table-watch.js';
import type { WorkerTask } from './vcpu-workload.js';
import { asFinding, type Finding } from './violations.js';

export function runDevice(task: WorkerTask): Finding | undefined {
  const guest = new Guest(task.guest);
  const choices = new Choices(task.seed, 2, task.index, task.tenancy);
  const device = attachReader(task.handle, { name: `device${task.index}.${task.tenancy}`, sabotage: task.sabotage });
  const { words, geometry } = Arena.attach('stress', task.handle);
  const { pageSize } = geometry;
  const watch = new TableWatch(words, device);
  guest.count(Counter.Begun, 1);
  try {
    device.goOffline();
    for (let transfer = 0; !guest.stopped; transfer++) {
      if (choices.oneIn(4)) guest.pause(1);
      // For nothing: who waits must look again. With a planted bug it would do the notify that is lost.
      if (task.sabotage === undefined) words.notify(Header.Wake);
      const place = guest.look(choices.between(0, DIMM_SLOTS - 1));
      if (place === undefined) continue;
      const first = place.first + choices.between(0, place.pages - 1);
      const pages = Math.min(choices.between(1, 256), place.first + place.pages - first);
      device.goOnline();
      try {
        for (let page = first; page < first + pages; page++) guest.write(page, (transfer << 6) | task.index);
        device.markRange(first * pageSize, pages * pageSize, ALL_CLIENTS);
        guest.count(Counter.Marks, pages);
        const wrong = watch.look();
        if (wrong !== undefined) return { oracle: 'use-after-free', detail: wrong };
      } catch (error) {
        if (!(error instanceof RangeError) || guest.isCurrent(place)) return asFinding('markRange', error);
        guest.count(Counter.Refused, 1);
      }
      device.goOffline();
      if ((transfer & 63) === 0) watch.flush(guest);
    }
    return undefined;
  } finally {
    device.detach();
  }
}

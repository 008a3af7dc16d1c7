/**
 * Who is told of RAM that comes and goes (QEMU: RAMBlockNotifier). Calls pair: a listener hears `plugged` once for
 * every block it hears `unplugged` for, in this order, since one that is added hears of the RAM that is there, and one
 * that is removed hears that RAM go (QEMU's 1f0fea38). Calls run in turns of their own, so a listener may plug, unplug,
 * collect or throw; an error it throws becomes the host's uncaught error and stops no other listener.
 */
import { throwInOwnTurn } from '../base/errors.js';
import type { RamBlock } from './ram-block.js';

/** What wants to know of hotplug. Called on the owner's thread, in a turn of its own. */
export interface RamListener {
  /** The block is there, all dirty. */
  plugged?(block: RamBlock): void;
  /** The block is no RAM any more; its place is used again only after a grace period. */
  unplugged?(block: RamBlock): void;
}

export class RamListeners {
  private readonly listeners = new Set<RamListener>();

  /** @returns how to remove it, which does nothing the second time */
  add(listener: RamListener, present: Iterable<RamBlock>): (present: () => Iterable<RamBlock>) => void {
    const own: RamListener = {
      plugged: (block) => listener.plugged?.(block),
      unplugged: (block) => listener.unplugged?.(block),
    };
    this.listeners.add(own);
    for (const block of present) tell(own, 'plugged', block);
    return (presentThen) => {
      if (!this.listeners.delete(own)) return;
      for (const block of presentThen()) tell(own, 'unplugged', block);
    };
  }

  tellAll(event: 'plugged' | 'unplugged', block: RamBlock): void {
    for (const listener of this.listeners) tell(listener, event, block);
  }
}

function tell(listener: RamListener, event: 'plugged' | 'unplugged', block: RamBlock): void {
  queueMicrotask(() => {
    try {
      listener[event]?.(block);
    } catch (error) {
      throwInOwnTurn(error);
    }
  });
}

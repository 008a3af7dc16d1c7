/**
 * Tells listeners of RAM that comes and goes (QEMU: RAMBlockNotifier, RamDiscardListener). Calls come in pairs: for
 * every block, a listener gets one call of `plugged` and later one of `unplugged`. For this, a listener that is added
 * gets `plugged` for the blocks that are there, and a listener that is removed gets `unplugged` for them (QEMU's
 * 1f0fea38). Calls for the parts of a block come in between: after `plugged` all parts are populated, except those for
 * which `discarded` follows. Each call runs in a microtask of its own, so a listener may plug, unplug, collect or
 * throw. An error that it throws becomes the host's uncaught error and stops no other listener.
 */
import { throwInOwnTurn } from '../base/errors.js';
import type { RamBlock } from './ram-block.js';

/**
 * A listener for hotplug. Its methods are called on the owner's thread, each in a microtask of its own: by then the
 * block may have another size, or be gone.
 */
export interface RamListener {
  /** The block is there, all dirty, and populated except for the parts that calls of `discarded` name next. */
  plugged?(block: RamBlock): void;
  /** The block is no longer RAM; its place is used again only after a grace period. */
  unplugged?(block: RamBlock): void;
  /**
   * The block had `before` bytes, and has another size now. What it has gained is populated. For parts that it lost,
   * discarded or not, there is no other call.
   */
  resized?(block: RamBlock, before: number): void;
  /**
   * A part of the block is no longer RAM, but may be in use for a grace period. `offset` counts from the block's start.
   */
  discarded?(block: RamBlock, offset: number, length: number): void;
  /** The part is RAM again, and all its pages are dirty. */
  populated?(block: RamBlock, offset: number, length: number): void;
}

export const RAM_EVENTS = ['plugged', 'unplugged', 'resized', 'discarded', 'populated'] as const;

export class RamListeners {
  private readonly listeners = new Set<RamListener>();

  /** @returns a function that removes the listener, and does nothing when called again */
  add(listener: RamListener, present: Iterable<RamBlock>): (present: () => Iterable<RamBlock>) => void {
    const own: RamListener = {
      plugged: (block) => listener.plugged?.(block),
      unplugged: (block) => listener.unplugged?.(block),
      resized: (block, before) => listener.resized?.(block, before),
      discarded: (block, offset, length) => listener.discarded?.(block, offset, length),
      populated: (block, offset, length) => listener.populated?.(block, offset, length),
    };
    this.listeners.add(own);
    for (const block of present) tellOfPresent(own, block);
    return (presentThen) => {
      if (!this.listeners.delete(own)) return;
      for (const block of presentThen()) tell(() => own.unplugged?.(block));
    };
  }

  tellAll(event: (listener: RamListener) => void): void {
    for (const listener of this.listeners) tell(() => event(listener));
  }
}

function tellOfPresent(listener: RamListener, block: RamBlock): void {
  const runs = block.populatedRuns();
  const { size } = block;
  tell(() => listener.plugged?.(block));
  let reached = 0;
  for (const { offset, length } of [...runs, { offset: size, length: 0 }]) {
    const from = reached;
    if (from < offset) tell(() => listener.discarded?.(block, from, offset - from));
    reached = offset + length;
  }
}

function tell(call: () => void): void {
  queueMicrotask(() => {
    try {
      call();
    } catch (error) {
      throwInOwnTurn(error);
    }
  });
}

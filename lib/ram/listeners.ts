/**
 * Who is told of RAM that comes and goes (QEMU: RAMBlockNotifier, RamDiscardListener). Calls pair: a listener hears `plugged`
 * once for every block it hears `unplugged` for, in this order, since one that is added hears of the RAM that is there, and
 * one that is removed hears that RAM go (QEMU's 1f0fea38). Of a block's parts it hears in between: after `plugged` all are
 * populated, those aside of which it hears `discarded`. Calls run in turns of their own, so a listener may plug, unplug,
 * collect or throw; an error it throws becomes the host's uncaught error and stops no other listener.
 */
import { throwInOwnTurn } from '../base/errors.js';
import type { RamBlock } from './ram-block.js';

/**
 * What wants to know of hotplug. Called on the owner's thread, in a turn of its own: by then the block may be another size,
 * or gone.
 */
export interface RamListener {
  /** The block is there, all dirty, and populated but for parts of which `discarded` is called next. */
  plugged?(block: RamBlock): void;
  /** The block is no RAM any more; its place is used again only after a grace period. */
  unplugged?(block: RamBlock): void;
  /**
   * The block had `before` bytes, and has another size now. What it has gained is populated; of parts that it has lost,
   * discarded or not, no other call tells.
   */
  resized?(block: RamBlock, before: number): void;
  /** A part of the block is no RAM any more, but may be in use for a grace period. In bytes from the block's beginning. */
  discarded?(block: RamBlock, offset: number, length: number): void;
  /** The part is RAM again, all dirty. */
  populated?(block: RamBlock, offset: number, length: number): void;
}

export const RAM_EVENTS = ['plugged', 'unplugged', 'resized', 'discarded', 'populated'] as const;

export class RamListeners {
  private readonly listeners = new Set<RamListener>();

  /** @returns how to remove it, which does nothing the second time */
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

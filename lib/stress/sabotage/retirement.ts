/**
 * Planted bugs of retirement: the reader of a dead thread is retired too early or never, or another reader is retired.
 */
import { Arena } from '../../arena/arena.js';
import { Slots } from '../../arena/layout.js';
import { freeSlot, reportReaders } from '../../rcu/registry.js';
import { CORRUPTION, type Sabotage } from './sabotage.js';

/** Frees the slots only when other readers have taken them, as if a busy owner got the exit event late. */
function freeWhenTakenAgain(arena: Arena, slots: Set<number>): void {
  const watch = setInterval(() => {
    for (const { slot } of reportReaders(arena)) {
      if (slots.delete(slot)) freeSlot(arena, Slots.first + slot * Slots.size);
    }
    if (slots.size === 0) clearInterval(watch);
  }, 1);
  watch.unref();
}

export const retirementSabotages = {
  'dead-reader-never-retired': {
    description: 'nobody retires the reader of a thread that was killed',
    retirement: { supervise: () => {} },
    needsFaults: true,
    oracles: ['stall', 'leak'],
  },
  'retired-at-terminate': {
    description: "a thread's reader is retired when the thread's termination is requested, while the thread still runs",
    retirement: {
      supervise: (memory, worker) => memory.supervise(worker),
      // Termination can take this long.
      terminating: async (memory, worker) => {
        memory.retire(worker.threadId);
        await new Promise((resolve) => setTimeout(resolve, 900));
      },
    },
    needsFaults: true,
    oracles: ['stall', 'hang', ...CORRUPTION],
  },
  'retired-by-slot': {
    description: 'when a thread has ended, the reader that now has its slot is retired, whichever thread it belongs to',
    retirement: {
      supervise: (memory, worker) => {
        const arena = Arena.attach('sabotage', memory.handle);
        const { threadId } = worker;
        let slots: number[] = [];
        const watch = setInterval(() => {
          const mine = reportReaders(arena).filter(({ identity }) => identity === threadId);
          if (mine.length > 0) slots = mine.map(({ slot }) => slot);
        }, 1);
        memory.supervise(worker);
        worker.once('exit', () => {
          clearInterval(watch);
          freeWhenTakenAgain(arena, new Set(slots));
        });
      },
    },
    needsFaults: true,
    oracles: ['unexpected-error', 'stall', 'hang', ...CORRUPTION],
  },
} as const satisfies Record<string, Sabotage>;

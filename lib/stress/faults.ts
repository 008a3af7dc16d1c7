/**
 * Faults that can happen in an emulator: threads are killed or hang, memory runs out, listeners throw. The engine must
 * not lose an update or hang, and each error must reach whoever caused it.
 */
import type { Allocator } from '../arena/allocator.js';
import { ArenaFullError } from '../base/errors.js';
import type { DirtyMemory } from '../dirty-memory.js';
import type { Guest } from './guest.js';
import type { Choices } from './plan.js';

/**
 * What a vCPU thread does to itself. Most of these end the thread without a detach, so its reader's slot stays taken.
 */
export const FAULTS = ['spins-for-ever', 'heap-exhausted', 'uncaught-throw', 'exit', 'task-fails'] as const;
export type Fault = (typeof FAULTS)[number];

/**
 * @returns whether the owner never kills this thread, so that it reaches its own fault. Where threads take long to
 * start, nearly all others are killed before.
 */
export function isSpared(tenancy: number): boolean {
  return tenancy % 4 === 3;
}

/** An error that a vCPU's task, a listener or a callback throws on purpose. */
export class PlantedFault extends Error {
  override readonly name = 'PlantedFault';
}

/** To be called in the vCPU's thread. Never returns normally. */
export async function suffer(fault: Fault): Promise<never> {
  switch (fault) {
    case 'task-fails':
      throw new PlantedFault('the task fails, the thread goes on to its next');
    case 'exit':
      process.exit(3);
      break;
    case 'uncaught-throw':
      setImmediate(() => {
        throw new PlantedFault('nobody catches this');
      });
      return new Promise(() => {});
    case 'heap-exhausted':
      // Allocate small pieces, by calls: on Node 24 and 26, large allocations end the whole process instead of the
      // thread.
      for (const hoard: unknown[] = []; ; ) hoard.push(Array.from({ length: 100 }, (_, i) => i + 0.5));
    default:
      for (let turns = 0; ; turns++) Math.sqrt(turns);
  }
  throw new Error(`${fault} did not happen`);
}

/** @returns whether this is the pool's error for a thread that a planted fault has ended */
export function isOfFault(error: unknown): boolean {
  const { name, message, code } = error as Error & { code?: string };
  return (
    name === 'AbortError' ||
    name === 'PlantedFault' ||
    code === 'ERR_WORKER_OUT_OF_MEMORY' ||
    /worker exited with code|nobody catches this|the task fails|memory limit|Terminating worker/.test(message)
  );
}

/** Makes allocations fail now and then as if the arena were full, while `active`. */
export class Exhaustion {
  planted = 0;
  active = false;
  private asked = 0;
  private readonly choices: Choices;

  constructor(choices: Choices) {
    this.choices = choices;
  }

  plantIn(allocator: Allocator): Allocator {
    const { allocateBlock, allocateTable } = allocator;
    allocator.allocateBlock = (purpose) => {
      this.perhapsFail(purpose);
      return allocateBlock.call(allocator, purpose);
    };
    allocator.allocateTable = (length, purpose) => {
      this.perhapsFail(purpose);
      return allocateTable.call(allocator, length, purpose);
    };
    return allocator;
  }

  private perhapsFail(purpose: string): void {
    // Always the tenth allocation, so that a short run has such a fault.
    if (!this.active || (++this.asked !== 10 && !this.choices.oneIn(500))) return;
    this.planted++;
    throw new ArenaFullError(`${purpose}: the stress run pretends that the arena is full`);
  }
}

/**
 * Listeners that throw now and then, until the stop. Their errors must reach only the host's uncaughtException handler.
 */
export class ThrowingListeners {
  thrown = 0;
  private readonly choices: Choices;
  private readonly guest: Guest;

  constructor(choices: Choices, guest: Guest) {
    this.choices = choices;
    this.guest = guest;
  }

  addTo(memory: DirtyMemory): void {
    const throwing = (times: number, what: string) => (): void => {
      if (this.guest.stopped || !this.choices.oneIn(times)) return;
      this.thrown++;
      throw new PlantedFault(`${what} throws`);
    };
    memory.ram.addListener({ plugged: throwing(20, 'a listener'), unplugged: throwing(20, 'a listener') });
    memory.on('stall', throwing(2, 'a reporter of stalls'));
  }
}

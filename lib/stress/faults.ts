/**
 * Faults, as they befall an emulator: threads that are killed or hang, memory that runs out, listeners that throw.
 * Nothing may be lost or hang, and each gets its own error.
 */
import type { Allocator } from '../arena/allocator.js';
import { ArenaFullError } from '../base/errors.js';
import type { DirtyMemory } from '../dirty-memory.js';
import type { Guest } from './guest.js';
import type { Choices } from './plan.js';

/** What a vCPU thread does to itself, most of it without leaving the engine: its slot stays behind. */
export const FAULTS = ['spins-for-ever', 'heap-exhausted', 'uncaught-throw', 'exit', 'task-fails'] as const;
export type Fault = (typeof FAULTS)[number];

/**
 * Of the threads of a place, is this one killed by nobody, and left to its own fault? Where threads take long to start,
 * nearly all are killed before theirs.
 */
export function isSpared(tenancy: number): boolean {
  return tenancy % 4 === 3;
}

/** Thrown on purpose: by a vCPU's task, a listener, a callback. */
export class PlantedFault extends Error {
  override readonly name = 'PlantedFault';
}

/** Of the vCPU's thread. Does not return. */
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
      // In small pieces, made by calls: large ones end the process on Node 24 and 26, not the thread.
      for (const hoard: unknown[] = []; ; ) hoard.push(Array.from({ length: 100 }, (_, i) => i + 0.5));
    default:
      for (let turns = 0; ; turns++) Math.sqrt(turns);
  }
  throw new Error(`${fault} did not happen`);
}

/** Is this how the pool tells of a thread that a fault has ended? */
export function isOfFault(error: unknown): boolean {
  const { name, message, code } = error as Error & { code?: string };
  return (
    name === 'AbortError' ||
    name === 'PlantedFault' ||
    code === 'ERR_WORKER_OUT_OF_MEMORY' ||
    /worker exited with code|nobody catches this|the task fails|memory limit|Terminating worker/.test(message)
  );
}

/** The arena is full now and then, wherever memory is asked for, until it is told to stop. */
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
    // The tenth time, so that a short run has some.
    if (!this.active || (++this.asked !== 10 && !this.choices.oneIn(500))) return;
    this.planted++;
    throw new ArenaFullError(`${purpose}: a planted fault says that the arena is full`);
  }
}

/** Listeners that throw now and then, until the stop: their errors are the host's, and nobody else's. */
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

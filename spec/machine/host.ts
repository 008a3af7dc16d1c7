/** What the machine needs of the program that it runs in, Node or a page: threads for harts, a clock, and turns. */
import type { DirtyMemory } from 'dirtymem';
import type { ArenaHandle, AttachOptions, Vcpu } from 'dirtymem/vcpu';
import type { HartMessage, HartWork } from './hart-work.js';

/** What the host's side hears of the thread of a hart. */
export interface HartListener {
  told(message: HartMessage): void;
  failed(error: Error): void;
  /** The thread is gone, and its reader retired. */
  ended(): void;
}

export interface HartThread {
  /** Resolves after `ended` was called. */
  readonly gone: Promise<void>;
  /** Only begins the end: the thread may run on for a while. */
  terminate(): void;
}

export interface Host {
  startHart(work: HartWork, memory: DirtyMemory, listener: HartListener): HartThread;
  /** The host's clock in ticks of the guest's. All threads of the host have the same. */
  ticks(): bigint;
  /** Resolves in a later turn of the event loop. */
  turn(): Promise<void>;
}

/** The same for the thread of a hart. */
export interface HartHost {
  attach(handle: ArenaHandle, options: AttachOptions): Vcpu;
  tell(message: HartMessage): void;
  ticks(): bigint;
}

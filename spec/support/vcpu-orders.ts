/** What a vCPU's thread and the one that gives it orders share. */
import type { ArenaHandle } from '../../lib/arena/arena.js';
import type { AttachOptions } from '../../lib/vcpu.js';

export interface VcpuWork {
  readonly handle: ArenaHandle;
  /** The words of `Control`. */
  readonly control: SharedArrayBuffer;
  /** One word a page; empty where no loop stores. */
  readonly guest: SharedArrayBuffer;
}

/** Shared with the thread that gives the orders. */
export const Control = {
  /** 1 once the loop is in its first round. */
  Begun: 0,
  /** 1 when it shall end. */
  Stop: 1,
  /** A number for the loop, plus 1; 0 while there is none. */
  Told: 2,
  Rounds: 3,
  size: 4,
} as const;

/** What `vcpu-worker.ts` does until it is stopped. */
export type LoopName =
  | 'spin'
  | 'section'
  | 'quiescent'
  | 'whenKicked'
  | 'churn'
  | 'idle'
  | 'notify'
  | 'markWhatIsTold'
  | 'markThenStoreWhatIsTold'
  | 'dirty'
  | 'storeAndMark'
  | 'markThenStore';

export type Method = 'mark' | 'markPage' | 'isDirty' | 'quiescent' | 'readLock' | 'goOffline' | 'detach';

export type Order =
  | { readonly do: 'attach'; readonly options: AttachOptions }
  | { readonly do: 'call'; readonly method: Method; readonly args: readonly number[] }
  | { readonly do: 'tables' }
  | { readonly do: 'loop'; readonly loop: LoopName }
  | { readonly do: 'return' | 'exit' | 'throw' };

export type Reply = { readonly value: unknown } | { readonly error: unknown };

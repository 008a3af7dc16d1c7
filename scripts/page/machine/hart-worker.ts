/** The thread of a hart in a page. */
import { type ArenaHandle, type AttachOptions, attachVcpu, type Vcpu } from 'dirtymem/vcpu';
import { runHart } from '../../../spec/machine/hart-thread.js';
import type { HartMessage, HartWork } from '../../../spec/machine/hart-work.js';
import { pageTicks } from './page-ticks.js';

export interface PageHartWork {
  readonly work: HartWork;
  /** The name of the lock that the thread holds until it ends. */
  readonly lock: string;
  readonly identity: number;
}

export type PageHartMessage =
  | HartMessage
  /** It has the lock. */
  | { readonly kind: 'lives' }
  | { readonly kind: 'failed'; readonly error: Error };

const tell = (message: PageHartMessage): void => globalThis.postMessage(message);

globalThis.onmessage = ({ data: { work, lock, identity } }: MessageEvent<PageHartWork>) => {
  const attach = (handle: ArenaHandle, options: AttachOptions): Vcpu => attachVcpu(handle, { ...options, identity });
  void navigator.locks.request(lock, () => {
    tell({ kind: 'lives' });
    try {
      runHart(work, { attach, tell, ticks: pageTicks });
    } catch (error) {
      tell({ kind: 'failed', error: error as Error });
    }
    globalThis.close();
  });
};

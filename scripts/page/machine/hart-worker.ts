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
  readonly sabotage: string | undefined;
}

export type PageHartMessage =
  | HartMessage
  /** It has the lock. */
  | { readonly kind: 'lives' }
  | { readonly kind: 'failed'; readonly error: Error };

const tell = (message: PageHartMessage): void => globalThis.postMessage(message);

type Attach = (handle: ArenaHandle, options: AttachOptions) => Vcpu;

/** @param sabotage its bug is loaded only where it is planted */
async function attaching({ identity, sabotage }: PageHartWork): Promise<Attach> {
  if (sabotage === undefined) return (handle, options) => attachVcpu(handle, { ...options, identity });
  const { attachReader } = await import('../../../lib/stress/attach-reader.js');
  return (handle, { name = 'hart' }) => attachReader(handle, { name, identity, sabotage });
}

globalThis.onmessage = async ({ data }: MessageEvent<PageHartWork>) => {
  const { work, lock } = data;
  const attach = await attaching(data);
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

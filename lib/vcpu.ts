/**
 * dirtymem: the entry point for vCPU threads. They attach to an engine by its handle, mark and query pages, and report
 * quiescent states.
 */
import { Arena, type ArenaHandle } from './arena/arena.js';
import { checkBoolean, checkInteger, wrongType } from './base/errors.js';
import { threadIdentity } from './base/host.js';
import { readOptions } from './base/options.js';
import { chooseKernel } from './bitmap/choose-kernel.js';
import { Vcpu } from './dirty/vcpu.js';
import { Throttle } from './rate/throttle.js';

/** The name and identity of a reader. */
export interface AttachOptions {
  /** The reader's name in stall reports, at most 48 bytes of UTF-8. Default 'vcpu'. */
  readonly name?: string;
  /**
   * The number that the owner passes to `retire` when this thread has died: 0 to 2^31 - 2, unique among threads.
   * Default: Node's thread id, which `supervise` knows. Where threads have no id, the default is a random number; send
   * it to the owner.
   */
  readonly identity?: number;
  /**
   * Whether `quiescent` may put this thread to sleep while the owner waits for other readers, which may be waiting
   * for this thread's core. It sleeps for at most 2 ms, once in a grace period, and for about a tenth of its time at
   * most. Default true.
   */
  readonly giveWay?: boolean;
}

/**
 * Registers the calling thread as a reader, which is online (liburcu: rcu_register_thread).
 * @param handle the owner's `memory.handle`, as the thread received it
 * @throws TypeError, RangeError when `handle` is not that of a live engine of this version, or all reader slots are
 *   taken
 */
export function attachVcpu(handle: ArenaHandle, options: AttachOptions = {}): Vcpu {
  const most = 2 ** 31 - 2;
  const read = readOptions('attachVcpu', options, { name: true, identity: true, giveWay: true });
  const { name = 'vcpu', giveWay = true, identity = threadIdentity() ?? Math.floor(Math.random() * most) } = read;
  if (typeof name !== 'string') throw wrongType('attachVcpu', 'name', name, 'a string');
  checkInteger('attachVcpu', 'identity', identity, 0, most);
  checkBoolean('attachVcpu', 'giveWay', giveWay);
  const arena = Arena.attach('attachVcpu', handle);
  return new Vcpu({ arena, kernel: chooseKernel(arena), name, identity, giveWay, governorOf: Throttle.of });
}

export type { ArenaHandle } from './arena/arena.js';
export { CorruptionError, UsageError } from './base/errors.js';
export { ALL_CLIENTS, type Client, CODE, MIGRATION, VGA } from './dirty/client.js';
export type { Vcpu } from './dirty/vcpu.js';
export type { Reader } from './rcu/reader.js';

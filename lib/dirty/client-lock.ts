/**
 * One collection of a client at a time. The lock guards the client's bits in flight: from the clear until they are
 * delivered or put back. It is held across grace periods. It does not exclude marks, queries, plugging or unplugging,
 * nor collections of other clients, and no reader ever takes it.
 */
import { type WaitLimit, waitForWake } from '../rcu/wait.js';

export class ClientLock {
  private held = false;
  private readonly queue: (() => void)[] = [];

  /** @returns whether the lock was free and is now the caller's */
  tryAcquire(): boolean {
    if (this.held) return false;
    this.held = true;
    return true;
  }

  /** Waits its turn. @throws (rejects) as the limit has it; then the lock is not the caller's */
  async acquire(limit?: WaitLimit): Promise<void> {
    if (this.tryAcquire()) return;
    await waitForWake(limit, (wake) => {
      this.queue.push(wake);
      return () => {
        const at = this.queue.indexOf(wake);
        if (at >= 0) this.queue.splice(at, 1);
      };
    });
  }

  /** Hands the lock to the next in the queue, which holds it from then on. */
  release(): void {
    const wake = this.queue.shift();
    if (wake === undefined) this.held = false;
    else wake();
  }
}

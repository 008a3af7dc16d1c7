/**
 * A lock that allows one collection of a client at a time. The lock guards the client's bits in flight, from the clear
 * until they are delivered or put back. It is held across grace periods. It does not exclude marks, queries, plugging,
 * unplugging or collections of other clients, and no reader ever takes it.
 *
 * A holder that only borrows the bits gives way at once: when a collection wants the lock, the call that asks for it
 * puts the bits back and releases the lock.
 */
import { type WaitLimit, waitForWake } from '../base/wait.js';

export class ClientLock {
  private held = false;
  private readonly queue: (() => void)[] = [];
  private loan: (() => void) | undefined;
  /** Wake the callers of `becomesFree`, which want to borrow. */
  private readonly patient = new Set<() => void>();

  /** Ends a loan. @returns true when the lock was free; the caller holds it then */
  tryAcquire(): boolean {
    this.endLoan();
    if (this.held) return false;
    this.held = true;
    return true;
  }

  /** As `tryAcquire`, but ends no loan. @param end must put the bits back and release the lock synchronously */
  tryBorrow(end: () => void): boolean {
    if (this.held) return false;
    this.held = true;
    this.loan = end;
    return true;
  }

  /** Makes the borrower, if there is one, put the bits back and release the lock. */
  endLoan(): void {
    this.loan?.();
  }

  /**
   * Resolves when the lock has become free with nobody queued. Another caller may take the lock first.
   * @throws (rejects) as `limit` says
   */
  async becomesFree(limit: WaitLimit): Promise<void> {
    await waitForWake(limit, (wake) => {
      this.patient.add(wake);
      return () => this.patient.delete(wake);
    });
  }

  /**
   * Waits for the lock, in the order of the calls.
   * @throws (rejects) as `limit` says; the caller lacks the lock then
   */
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

  /** Hands the lock to the next caller in the queue, which holds it from then on; frees it when the queue is empty. */
  release(): void {
    this.loan = undefined;
    const wakeNext = this.queue.shift();
    if (wakeNext !== undefined) {
      wakeNext();
      return;
    }
    this.held = false;
    for (const wake of [...this.patient]) wake();
  }
}

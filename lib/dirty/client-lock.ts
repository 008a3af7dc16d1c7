/**
 * One collection of a client at a time. The lock guards the client's bits in flight: from the clear until they are
 * delivered or put back. It is held across grace periods. It does not exclude marks, queries, plugging or unplugging,
 * nor collections of other clients, and no reader ever takes it.
 *
 * Who only borrows the bits ends the loan, and releases the lock, within the call of whoever wants it.
 */
import { type WaitLimit, waitForWake } from '../base/wait.js';

export class ClientLock {
  private held = false;
  private readonly queue: (() => void)[] = [];
  private loan: (() => void) | undefined;
  /** Of those who want to borrow. */
  private readonly patient = new Set<() => void>();

  /** @returns whether the lock was free and is now the caller's */
  tryAcquire(): boolean {
    this.endLoan();
    if (this.held) return false;
    this.held = true;
    return true;
  }

  /** As `tryAcquire`, but ends no loan. @param end puts the bits back and releases the lock, within the call */
  tryBorrow(end: () => void): boolean {
    if (this.held) return false;
    this.held = true;
    this.loan = end;
    return true;
  }

  /** Has the bits put back, if somebody borrows them. */
  endLoan(): void {
    this.loan?.();
  }

  /** Resolves when the lock is free and nobody is queued; others may be sooner. @throws (rejects) as the limit has it */
  async becomesFree(limit: WaitLimit): Promise<void> {
    await waitForWake(limit, (wake) => {
      this.patient.add(wake);
      return () => this.patient.delete(wake);
    });
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

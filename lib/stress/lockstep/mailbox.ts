/**
 * What comes by a port: kept until it is asked for, and told from the other side's end. One listener from first to last:
 * what comes to a port after its last listener was taken away is lost.
 */
import type { MessagePort } from 'node:worker_threads';

export class Mailbox<T> {
  private readonly messages: T[] = [];
  private ended = false;
  private wake = (): void => {};

  constructor(port: MessagePort) {
    port.on('message', (message: T) => {
      this.messages.push(message);
      this.wake();
    });
    port.on('close', () => {
      this.ended = true;
      this.wake();
    });
  }

  /** @returns the next message, or undefined when the other side has ended and there is none */
  async next(): Promise<T | undefined> {
    while (this.messages.length === 0 && !this.ended) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    return this.messages.shift();
  }
}

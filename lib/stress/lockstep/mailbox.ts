/**
 * Keeps the messages that a port receives until `next` asks for them, and notices when the other side closes. It has
 * one listener for its whole life, because a port loses messages that come when it has no listener.
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

  /** @returns the next message; undefined when there is none left and the other side has closed */
  async next(): Promise<T | undefined> {
    while (this.messages.length === 0 && !this.ended) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    return this.messages.shift();
  }
}

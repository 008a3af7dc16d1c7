/** The messages that one end waits for by name; any other is a breach of the protocol. */
import type { Message, MessageOf, MessageType } from './message.js';
import { MigrationError } from './migration-error.js';

export class Replies {
  private readonly expected = new Map<MessageType, (message: never) => void>();

  /** To be called before the message can come. */
  expect<Type extends MessageType>(type: Type): Promise<MessageOf<Type>> {
    return new Promise((resolve) => this.expected.set(type, resolve));
  }

  /** @throws MigrationError when nobody expects it */
  take(message: Message): void {
    const resolve = this.expected.get(message.type);
    if (resolve === undefined) throw new MigrationError('protocol', `'${message.type}' was not expected`);
    this.expected.delete(message.type);
    resolve(message as never);
  }
}

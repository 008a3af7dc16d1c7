/** The messages that one end waits for by name; any other is a breach of the protocol. */
import { MigrationError } from '../migration-error.js';
import type { Message, MessageOf, MessageType } from './message.js';

export class Replies {
  private readonly expected = new Map<MessageType, (message: never) => void>();

  /** To be called before the message can come. */
  expect<Type extends MessageType>(type: Type): Promise<MessageOf<Type>> {
    return new Promise((resolve) => this.whenTaken(type, resolve));
  }

  /** As `expect`, for whom a later turn of the microtask queue is too late. @param act runs in the step that takes the message */
  whenTaken<Type extends MessageType>(type: Type, act: (message: MessageOf<Type>) => void): void {
    this.expected.set(type, act);
  }

  /** @throws MigrationError when nobody expects it */
  take(message: Message): void {
    const resolve = this.expected.get(message.type);
    if (resolve === undefined) throw new MigrationError('protocol', `'${message.type}' was not expected`);
    this.expected.delete(message.type);
    resolve(message as never);
  }
}

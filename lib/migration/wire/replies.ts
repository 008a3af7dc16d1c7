/** The messages that one end expects, by type. Any other message is a violation of the protocol. */
import { MigrationError } from '../migration-error.js';
import type { Message, MessageOf, MessageType } from './message.js';

export class Replies {
  private readonly expected = new Map<MessageType, (message: never) => void>();

  /** Waits for a message. Must be called before the message can come. */
  expect<Type extends MessageType>(type: Type): Promise<MessageOf<Type>> {
    return new Promise((resolve) => this.whenTaken(type, resolve));
  }

  /** As `expect`, but not even a microtask later. @param act runs in the step that takes the message */
  whenTaken<Type extends MessageType>(type: Type, act: (message: MessageOf<Type>) => void): void {
    this.expected.set(type, act);
  }

  /** @throws MigrationError when nobody expects the message */
  take(message: Message): void {
    const resolve = this.expected.get(message.type);
    if (resolve === undefined) throw new MigrationError('protocol', `'${message.type}' was not expected`);
    this.expected.delete(message.type);
    resolve(message as never);
  }
}

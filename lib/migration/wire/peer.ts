/** Checks the first message of the peer. */
import type { Arbiter, Side } from '../arbiter.js';
import { MigrationError } from '../migration-error.js';
import type { MessageOf } from './message.js';

/** @throws MigrationError when this end cannot migrate with the peer */
export function checkPeer(hello: MessageOf<'hello'>, side: Side, pageSize: number, arbiter: Arbiter | undefined): void {
  const refuse = (why: string): never => {
    throw new MigrationError('protocol', why);
  };
  if (hello.from !== side) refuse(`both ends are a ${hello.from}`);
  if (hello.pageSize !== pageSize) refuse(`pages have ${hello.pageSize} bytes there, and ${pageSize} here`);
  if (hello.arbiter !== (arbiter !== undefined)) refuse('only one of the two ends has an arbiter');
}

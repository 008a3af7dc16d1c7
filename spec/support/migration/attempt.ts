/** One migration from a machine to another over a relay, and what became of both. */
import { expect } from 'chai';
import {
  type MigrateOptions,
  type Migration,
  MigrationError,
  type MigrationResult,
  migrate,
  type Received,
  type ReceiveOptions,
  receive,
} from '../../../lib/migration/index.js';
import type { MessageType } from '../../../lib/migration/wire/message.js';
import { ReceivingMachine, type SendingMachine } from './machines.js';
import { type Fate, type Passing, Relay } from './relay.js';

/** What becomes of a message, and what is done when it comes by. */
export type Policy = (passing: Passing, migration: Migration) => Fate | Promise<Fate>;

export interface AttemptOptions {
  readonly policy?: Policy;
  readonly source?: MigrateOptions;
  readonly destination?: ReceiveOptions;
  readonly receiver?: ReceivingMachine;
  readonly begun?: (migration: Migration, relay: Relay) => void;
}

export interface Outcome {
  readonly migration: Migration;
  readonly receiver: ReceivingMachine;
  readonly relay: Relay;
  readonly sent: MigrationResult | MigrationError;
  readonly received: Received | MigrationError;
}

/** Never are two machines seen running. @returns when both ends have settled */
export async function attempt(sender: SendingMachine, options: AttemptOptions = {}): Promise<Outcome> {
  const receiver = options.receiver ?? new ReceivingMachine(sender.memory.pageSize);
  const relay = await Relay.between((passing) => options.policy?.(passing, migration) ?? 'pass');
  let most = 0;
  const watch = (): void => {
    const running = [sender, receiver].filter(({ state }) => state === 'running').length;
    most = Math.max(most, running);
  };
  sender.watch = receiver.watch = watch;
  watch();
  const received = receive(receiver, relay.destination, options.destination).catch(asMigrationError);
  const migration = migrate(sender, relay.source, options.source);
  options.begun?.(migration, relay);
  const sent = migration.result.catch(asMigrationError);
  const outcome = { migration, receiver, relay, sent: await sent, received: await received };
  expect(most, 'machines that run at once').to.equal(1);
  return outcome;
}

/** Acts whenever a message of the type comes by, which goes on when that is done. */
export function atEach(type: MessageType, act: (migration: Migration, passing: Passing) => unknown): Policy {
  return async (passing, migration): Promise<Fate> => {
    if (passing.message.type === type) await act(migration, passing);
    return 'pass';
  };
}

/** The same for the first one alone. */
export function atFirst(type: MessageType, act: (migration: Migration) => unknown): Policy {
  let acted = false;
  return atEach(type, async (migration) => {
    if (acted) return;
    acted = true;
    await act(migration);
  });
}

export function cutAt(type: MessageType): Policy {
  return ({ message }) => (message.type === type ? 'cut' : 'pass');
}

/** To be told of when it begins. */
export function cancelWhenThrottled(migration: Migration): void {
  migration.on('progress', ({ throttle }) => {
    if (throttle > 0) migration.cancel();
  });
}

/** The machine has arrived as it was. */
export function expectArrived(sender: SendingMachine, { receiver, sent }: Outcome): MigrationResult {
  if (sent instanceof MigrationError) throw sent;
  expect([sender.state, receiver.state]).to.deep.equal(['paused', 'running']);
  expectEqual(sender, receiver);
  return sent;
}

/** The machine has stayed. */
export function expectStayed(
  sender: SendingMachine,
  { receiver, sent, received }: Outcome,
  reason?: string,
): MigrationError {
  expect([sender.state, receiver.state]).to.deep.equal(['running', 'discarded']);
  expect(sent).to.be.instanceOf(MigrationError);
  expect(received).to.be.instanceOf(MigrationError);
  if (reason !== undefined) expect((sent as MigrationError).reason).to.equal(reason);
  return sent as MigrationError;
}

export function expectEqual(sender: SendingMachine, receiver: ReceivingMachine): void {
  const [there, here] = [receiver.image(), sender.image()];
  expect([...there.devices]).to.deep.equal([...here.devices]);
  expect(Object.keys(there.ram)).to.have.members(Object.keys(here.ram));
  for (const [id, { offset, bytes }] of Object.entries(here.ram)) {
    expect(there.ram[id]?.offset, id).to.equal(offset);
    expect(Buffer.compare(bytes, there.ram[id]?.bytes as Uint8Array), `the contents of '${id}'`).to.equal(0);
  }
}

function asMigrationError(error: unknown): MigrationError {
  if (error instanceof MigrationError) return error;
  throw error;
}

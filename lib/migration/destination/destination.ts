/** The destination's end of a migration. */
import { checkMethods } from '../../base/errors.js';
import { onAbort } from '../../base/on-abort.js';
import { checkPageSize } from '../../machine/checked-machine.js';
import { DestinationDecision } from '../decision.js';
import { callHook } from '../hook.js';
import type { DestinationMachine } from '../machine.js';
import { asFailure, MigrationError } from '../migration-error.js';
import { explainMismatch } from '../mismatch.js';
import { checkReceiveOptions, type ReceiveOptions, STREAM_METHODS } from '../options.js';
import type { ByteStream } from '../wire/byte-stream.js';
import { Link } from '../wire/link.js';
import type { Message } from '../wire/message.js';
import { checkPeer } from '../wire/peer.js';
import { Replies } from '../wire/replies.js';
import { IncomingRam } from './incoming-ram.js';
import { IncomingState } from './incoming-state.js';

/** The result of `receive`: a machine that has arrived and runs. */
export interface Received {
  /** How many bytes of RAM the machine has. */
  readonly ramBytes: number;
  /** Were the digests of all RAM blocks compared with those of the source, and equal? */
  readonly verified: boolean;
}

/**
 * Receives the machine that the process at the other end of the stream sends by `migrate`, and starts it (QEMU:
 * qmp_migrate_incoming).
 * @returns a promise that resolves when the machine runs here. It rejects with a MigrationError, which says what became
 *   of the machine here, or with a TypeError or RangeError for bad arguments, with nothing begun
 */
export async function receive(
  machine: DestinationMachine,
  stream: ByteStream,
  options: ReceiveOptions = {},
): Promise<Received> {
  const checked = checkReceiveOptions(options);
  checkMethods('receive', 'machine', machine, ['plug', 'unplug', 'loadState', 'start', 'discard']);
  checkPageSize('receive', machine.pageSize);
  checkMethods('receive', 'stream', stream, STREAM_METHODS);
  return new Reception(machine, stream, checked).run();
}

class Reception {
  private readonly machine: DestinationMachine;
  private readonly options: ReturnType<typeof checkReceiveOptions>;
  private readonly link: Link;
  private readonly replies = new Replies();
  private readonly ram: IncomingRam;
  private readonly state: IncomingState;
  private readonly decision: DestinationDecision;
  /** The work for the last message. Awaiting it before the next hook call keeps hook calls from overlapping. */
  private working: Promise<void> = Promise.resolve();
  private greeted = false;

  constructor(machine: DestinationMachine, stream: ByteStream, options: ReturnType<typeof checkReceiveOptions>) {
    this.machine = machine;
    this.options = options;
    this.link = new Link(stream, 'destination', options.stallMs);
    this.ram = new IncomingRam(machine, options.maxRamBytes, this.link);
    this.state = new IncomingState(options.maxStateBytes);
    this.decision = new DestinationDecision(this.link, this.replies, options.arbiter, options.stallMs);
  }

  async run(): Promise<Received> {
    const { link, options, machine } = this;
    const { signal } = options;
    if (signal?.aborted) this.cancel();
    const stopListening = signal && onAbort(signal, this.cancel);
    try {
      await this.arrive();
      if (signal?.aborted) throw this.cancelled; // even if the link was lost before: nothing is decided yet
      await this.decision.reach();
    } catch (error) {
      const failure = asFailure(error, 'destination', 'the destination failed');
      link.close(failure);
      await this.working;
      if (failure.reason !== 'undecided') await callHook('destination', 'discard', () => machine.discard());
      throw failure;
    } finally {
      stopListening?.();
    }
    try {
      await callHook('destination', 'start', () => machine.start());
      if (link.failure === undefined) link.sendNow({ type: 'running' });
    } finally {
      link.close();
    }
    return { ramBytes: this.ram.size, verified: this.state.verify };
  }

  private readonly cancel = (): void => {
    if (!this.decision.binding) this.link.fail(this.cancelled);
  };

  private get cancelled(): MigrationError {
    const cause = this.options.signal?.reason;
    return new MigrationError('cancelled', 'the migration was cancelled', { cause });
  }

  /** Resolves when the machine is whole. */
  private async arrive(): Promise<void> {
    const { link, machine, replies, ram } = this;
    const ended = replies.expect('end');
    const hello = replies.expect('hello');
    link.listen((message) => {
      const working = this.take(message);
      if (working !== undefined) this.working = working.catch(() => {});
      return working;
    });
    await link.send({
      type: 'hello',
      from: 'destination',
      pageSize: machine.pageSize,
      arbiter: this.options.arbiter !== undefined,
    });
    await link.until(Promise.all([hello, ended]));
    if (ram.differing.length > 0) throw await explainMismatch(link, replies, ram.differing);
    await callHook('destination', 'loadState', () => machine.loadState(this.state.bytes()));
  }

  private take(message: Message): void | Promise<void> {
    const { ram, state, replies } = this;
    if (!this.greeted) {
      if (message.type !== 'hello') throw new MigrationError('protocol', `'${message.type}' before any greeting`);
      checkPeer(message, 'source', this.machine.pageSize, this.options.arbiter);
      this.greeted = true;
      return replies.take(message);
    }
    switch (message.type) {
      case 'plug':
      case 'unplug':
      case 'data':
      case 'zero':
        return this.change(message);
      case 'seal':
        state.begin(message);
        return message.verify ? ram.takeDigests() : undefined;
      case 'state':
        return state.add(message.bytes);
      case 'digests':
        return ram.compare(message);
      case 'end':
        if (state.verify && !ram.allCompared) throw new MigrationError('protocol', 'digests are missing');
        state.end();
        return replies.take(message);
      default:
        return replies.take(message);
    }
  }

  private change(message: Extract<Message, { type: 'plug' | 'unplug' | 'data' | 'zero' }>): void | Promise<void> {
    const { ram } = this;
    this.state.reopen();
    ram.reopen();
    switch (message.type) {
      case 'plug':
        return ram.plug(message);
      case 'unplug':
        return ram.unplug(message);
      case 'data':
        return ram.data(message);
      case 'zero':
        return ram.zero(message);
    }
  }
}

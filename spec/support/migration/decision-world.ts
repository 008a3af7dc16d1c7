/**
 * The decision of a migration in every order: messages arrive or are lost with the link, either end finds the link lost, or is
 * cancelled and says so, the arbiter hears claims and answers or does not. The shipped `SourceDecision` and
 * `DestinationDecision` run in it; a run is a list of choices.
 */
import type { Arbiter, Side } from '../../../lib/migration/arbiter.js';
import { DestinationDecision, SourceDecision } from '../../../lib/migration/decision.js';
import { MigrationError } from '../../../lib/migration/migration-error.js';
import type { Link } from '../../../lib/migration/wire/link.js';
import type { Message } from '../../../lib/migration/wire/message.js';
import { Replies } from '../../../lib/migration/wire/replies.js';

export type End = 'runs' | 'does not run' | 'undecided' | 'waits';

export interface Ends {
  readonly source: End;
  readonly destination: End;
  /** What happened, in order. */
  readonly events: readonly string[];
}

/** An end of the link, as far as decisions use it. */
class FakeLink {
  readonly sent: Message[] = [];
  peerGaveUp = false;
  private readonly controller = new AbortController();

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  get failure(): MigrationError | undefined {
    return this.controller.signal.aborted ? this.controller.signal.reason : undefined;
  }

  fail(error: MigrationError): void {
    this.controller.abort(error);
  }

  sendNow(message: Message): void {
    if (this.failure !== undefined) throw this.failure;
    this.sent.push(message);
  }

  /** What an end that has failed says, if anybody hears it. */
  sayGoodbye(): void {
    if (this.failure?.reason !== 'link' && !this.peerGaveUp) this.sent.push({ type: 'abort', because: '' });
  }

  hearGoodbye(): void {
    this.peerGaveUp = true;
    this.fail(new MigrationError('destination', 'the peer gave up'));
  }

  until<T>(promise: Promise<T>): Promise<T> {
    const { signal } = this.controller;
    return new Promise((resolve, reject) => {
      if (signal.aborted) reject(signal.reason);
      signal.addEventListener('abort', () => reject(signal.reason));
      promise.then(resolve, reject);
    });
  }
}

interface Claim {
  readonly side: Side;
  heard: Side | undefined;
  readonly resolve: (winner: Side) => void;
  readonly reject: (error: Error) => void;
}

export interface DecisionOptions {
  readonly arbiter: boolean;
  /** The arbiter's answers may be lost. */
  readonly unreliable?: boolean;
  /** How the destination that has a whole machine comes to its decision. */
  readonly claim?: (decision: DestinationDecision, link: Link) => Promise<void>;
  /** What the source makes of the arbiter's answers. */
  readonly sourceArbiter?: (arbiter: Arbiter) => Arbiter;
}

export class DecisionWorld {
  private readonly links = { source: new FakeLink(), destination: new FakeLink() };
  private readonly replies = { source: new Replies(), destination: new Replies() };
  private readonly options: DecisionOptions;
  private readonly claims: Claim[] = [];
  private readonly events: string[] = [];
  private winner: Side | undefined;
  private ends: { source: End; destination: End } = { source: 'waits', destination: 'waits' };
  private readonly cancelled = { source: false, destination: false };
  private readonly decisions: { readonly source: SourceDecision; readonly destination: DestinationDecision };

  constructor(options: DecisionOptions) {
    this.options = options;
    const { source, destination } = this.links;
    const arbiter: Arbiter = {
      claim: (side) => new Promise((resolve, reject) => this.claims.push({ side, heard: undefined, resolve, reject })),
    };
    const [forSource, forDestination] = options.arbiter ? [arbiter, arbiter] : [undefined, undefined];
    const asked = forSource === undefined ? undefined : (options.sourceArbiter?.(forSource) ?? forSource);
    const [near, far] = [source, destination] as unknown as [Link, Link];
    this.decisions = {
      source: new SourceDecision(near, this.replies.source, asked, 2 ** 30),
      destination: new DestinationDecision(far, this.replies.destination, forDestination, 2 ** 30),
    };
    this.decisions.source.reach().then(
      () => this.end('source', 'does not run'),
      ({ reason }: MigrationError) => {
        source.sayGoodbye();
        this.end('source', reason === 'undecided' ? 'undecided' : 'runs');
      },
    );
    const ended = this.replies.destination.expect('end');
    const { claim = (decision) => decision.reach() } = options;
    destination
      .until(ended)
      .then(() => claim(this.decisions.destination, far))
      .then(
        () => {
          this.end('destination', 'runs');
          if (destination.failure === undefined) destination.sendNow({ type: 'running' });
        },
        ({ reason }: MigrationError) => {
          destination.sayGoodbye();
          this.end('destination', reason === 'undecided' ? 'undecided' : 'does not run');
        },
      );
  }

  /** @param choices indices among what can happen; the first for what is beyond. @returns how it ended, and how many there were */
  async run(choices: readonly number[]): Promise<Ends & { readonly widths: readonly number[] }> {
    const widths: number[] = [];
    await settled();
    for (let step = 0; ; step++) {
      const possible = this.possible();
      if (possible.length === 0) break;
      widths.push(possible.length);
      const [name, act] = possible[choices[step] ?? 0] as [string, () => void];
      this.events.push(name);
      act();
      await settled();
    }
    const { source, destination } = this.links;
    for (const link of [source, destination]) link.fail(new MigrationError('link', 'the run has ended')); // and no timer runs on
    return { ...this.ends, events: this.events, widths };
  }

  private possible(): [string, () => void][] {
    const { source, destination } = this.links;
    const possible: [string, () => void][] = [];
    const deliver = (from: FakeLink, to: FakeLink, replies: Replies, side: Side): void => {
      const [message] = from.sent;
      if (message === undefined || to.failure !== undefined) return;
      possible.push([
        `the ${side} reads ${message.type}`,
        () => {
          from.sent.shift();
          if (message.type === 'abort') to.hearGoodbye();
          else replies.take(message);
        },
      ]);
    };
    deliver(source, destination, this.replies.destination, 'destination');
    deliver(destination, source, this.replies.source, 'source');
    for (const claim of this.claims) {
      if (claim.heard === undefined) {
        possible.push([`the arbiter hears the ${claim.side}`, () => this.hear(claim)]);
      } else possible.push([`the ${claim.side} hears ${claim.heard}`, () => this.answer(claim, true)]);
      if (this.options.unreliable) possible.push([`the ${claim.side} hears nothing`, () => this.answer(claim, false)]);
    }
    const lose = (side: Side): void => {
      const link = this.links[side];
      if (link.failure !== undefined || this.ends[side] !== 'waits') return;
      possible.push([`the ${side} loses the link`, () => link.fail(new MigrationError('link', 'lost'))]);
    };
    lose('source');
    lose('destination');
    for (const side of ['source', 'destination'] as const) {
      if (this.cancelled[side] || this.links[side].failure !== undefined || this.decisions[side].binding) continue;
      possible.push([`the ${side} is cancelled`, () => this.cancel(side)]);
    }
    return possible;
  }

  private hear(claim: Claim): void {
    this.winner ??= claim.side;
    claim.heard = this.winner;
  }

  private answer(claim: Claim, told: boolean): void {
    this.claims.splice(this.claims.indexOf(claim), 1);
    if (told) claim.resolve(claim.heard as Side);
    else claim.reject(new Error('no answer'));
  }

  private cancel(side: Side): void {
    this.cancelled[side] = true;
    this.links[side].fail(new MigrationError('cancelled', 'cancelled'));
  }

  private end(side: Side, end: End): void {
    this.ends[side] = end;
  }
}

/** More turns of the microtask queue than any reaction takes. */
async function settled(): Promise<void> {
  for (let i = 0; i < 12; i++) await undefined;
}

/** Every run, depth first. */
export async function everyRun(options: DecisionOptions, visit: (ends: Ends) => void): Promise<number> {
  let choices: number[] = [];
  for (let runs = 1; ; runs++) {
    const { widths, ...ends } = await new DecisionWorld(options).run(choices);
    visit(ends);
    const next = widths.map((_, i) => choices[i] ?? 0);
    let at = next.length - 1;
    while (at >= 0 && (next[at] as number) + 1 >= (widths[at] as number)) at--;
    if (at < 0) return runs;
    choices = [...next.slice(0, at), (next[at] as number) + 1];
  }
}

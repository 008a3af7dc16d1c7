/**
 * Decides which of the two machines runs. At any moment the link can be cut, and either process can be killed.
 *
 *     source:       running ── pause ──▶ paused ── end ──▶ in doubt ──▶ gone
 *                      ▲                    │                 │
 *                      └──────── resume ────┴──── resume ─────┘
 *     destination:  arriving ── end, all verified, state loaded ──▶ whole ── claim ──▶ runs
 *                      └──────────────── discarded ◀──────────────────┴──────────▶ (claim lost)
 *
 * Two parties over a link that can be cut cannot agree by messages alone, so the decision is one compare-and-swap at an
 * *arbiter*: the first claim wins for ever, and each claimant is told who won.
 *
 * MG-1 The source's machine runs only before `pause` and after `resume`. The source resumes it if `end` was not handed
 *   to the stream, or if the source's claim has returned `source`. The destination's machine starts only if the
 *   destination's claim has returned `destination`; the destination claims only when it has read `end`.
 * MG-2 Two machines never run. Let the destination run. Its claim returned `destination`, so `end` was handed to the
 *   stream, and no claim ever returns `source`. Then the source can resume by neither half of MG-1, and it was paused
 *   before `end`.
 * MG-3 One machine runs, as long as the arbiter answers and the process of the chosen machine lives. A source in doubt
 *   waits for a bounded time: for `running`, the loss of the link, its own cancelling, or `stallMs`; then it claims. So
 *   there is a first claim. If the source made it, the source resumes. If the destination made it, the destination's
 *   machine was whole; the destination hears that it won, and starts. A destination discards only before it claims, and
 *   then it never claims; or after it has lost, and then the source's claim was the first. A claim that rejects may
 *   have been the first: its claimant neither runs nor discards the machine (`undecided`).
 * MG-4 The machine that runs is right. `end` is handed over in the step that finds the engine's RAM to be the RAM that
 *   the destination was told of before the last harvest. With everything stopped, that harvest took all bits, and a bit
 *   leaves the set only when its page was copied afterwards (DM-2). The stream keeps order and frames are numbered, so
 *   a destination that reads `end` has read everything before it. With `verify` both ends compare digests of all RAM
 *   before the claim.
 * MG-5 A source that resumes has lost nothing: its RAM was only read, and the next migration starts with all RAM dirty.
 *   Other users of MIGRATION have lost nothing either: each user has a dirty set of its own (DM-8, dirty/collector.ts).
 *
 * `spec/migration/decision.spec.ts` runs both ends through every order of possible events.
 *
 * With an arbiter a destination may give up until it claims, but not while the claim is on its way, because the claim
 * may be the first.
 *
 * *Without an arbiter* the source's own memory is the register, and the destination's claim is a message: `ready`, to
 * which the source answers `commit`. MG-1 to MG-3 hold with "its claim has returned `destination`" read as "it has
 * received `commit`", and with "`end`" read as "`commit`" for the source. A destination that waits for `commit` may
 * still give up: because it is cancelled, loses the link, or gets no answer from the source for `stallMs`. In one step
 * it either takes `commit`, and then starts whatever happens later; or it gives up, reads nothing more, never starts,
 * and says `abort`.
 *
 * MG-6 So a source that has read `abort` resumes, also after `commit`: a destination that has said `abort` has not
 *   taken `commit` and never will. A source that has sent `commit` and then loses the link, without having read
 *   `running` or `abort`, cannot know whether `commit` arrived: it stays paused and says `undecided`. Two machines
 *   never run, but perhaps no machine runs until somebody who can see both ends decides.
 */
import { show } from '../base/errors.js';
import { printable } from '../base/printable.js';
import type { Arbiter, Side } from './arbiter.js';
import { MigrationError } from './migration-error.js';
import type { Link } from './wire/link.js';
import type { Replies } from './wire/replies.js';

/** Messages show at most this many UTF-16 units of an arbiter's answer. */
const LONGEST_ANSWER = 100;

/** The common part of both ends. */
class Decision {
  /** True from the moment when this end can no longer give up. */
  binding = false;
  protected readonly link: Link;
  protected readonly replies: Replies;
  protected readonly arbiter: Arbiter | undefined;
  protected readonly stallMs: number;

  constructor(link: Link, replies: Replies, arbiter: Arbiter | undefined, stallMs: number) {
    this.link = link;
    this.replies = replies;
    this.arbiter = arbiter;
    this.stallMs = stallMs;
  }

  /** Makes the link fail, with `why` as the message, when the peer takes too long. */
  protected startTimer(why: string): NodeJS.Timeout {
    return setTimeout(() => this.link.fail(new MigrationError('timeout', why)), this.stallMs);
  }
}

export class SourceDecision extends Decision {
  /**
   * Hands the machine over; `end` is written within the call.
   * @returns true when the destination said that the machine runs there; false when only the arbiter said so
   * @throws (rejects) MigrationError; then the machine must be resumed, unless the reason is `undecided`
   */
  async reach(): Promise<boolean> {
    const { link, replies } = this;
    const timer = this.startTimer(`the destination did not start within ${this.stallMs} ms`);
    const [ready, running] = [replies.expect('ready'), replies.expect('running')];
    try {
      link.sendNow({ type: 'end' });
      if (this.arbiter === undefined) {
        await link.until(ready);
        link.sendNow({ type: 'commit' }); // which throws, with nothing written, when the link has failed
        this.binding = true;
      }
      await link.until(running);
      return true;
    } catch (failure) {
      return await this.claim(failure as MigrationError);
    } finally {
      clearTimeout(timer);
      this.binding = true;
    }
  }

  private async claim(failure: MigrationError): Promise<false> {
    if (this.arbiter === undefined) {
      if (!this.binding || this.link.peerGaveUp) throw failure; // MG-6
      const what = 'the link was lost, and it is not known whether the destination was told to start';
      throw new MigrationError('undecided', what, { cause: failure });
    }
    if ((await ask(this.arbiter, 'source')) === 'source') throw failure;
    return false;
  }
}

export class DestinationDecision extends Decision {
  /**
   * To be called when the machine is whole. Resolves when the machine is to be started.
   * @throws (rejects) MigrationError; then the machine must be discarded, unless the reason is `undecided`
   */
  async reach(): Promise<void> {
    if (this.arbiter === undefined) return this.awaitCommit();
    this.binding = true;
    if ((await ask(this.arbiter, 'destination')) === 'destination') return;
    throw this.link.failure ?? new MigrationError('source', 'the source has taken the machine back');
  }

  private async awaitCommit(): Promise<void> {
    const { link, replies, stallMs } = this;
    const timer = this.startTimer(`the source did not say within ${stallMs} ms whether the machine may run`);
    try {
      // Whichever comes first, `commit` or the failure, is the decision of this end: the step that settles this promise
      // takes `commit`, or it is never taken.
      await new Promise<void>((resolve, reject) => {
        replies.whenTaken('commit', () => {
          this.binding = true;
          resolve();
        });
        link.signal.addEventListener('abort', () => reject(link.failure));
        link.sendNow({ type: 'ready' }); // which throws when the link has failed
      });
    } finally {
      clearTimeout(timer);
    }
  }
}

/** @throws (rejects) MigrationError `undecided` when the arbiter does not say who won */
async function ask(arbiter: Arbiter, side: Side): Promise<Side> {
  let winner: Side;
  try {
    winner = await arbiter.claim(side);
  } catch (cause) {
    throw new MigrationError('undecided', `the arbiter did not say who runs`, { cause });
  }
  if (winner === 'source' || winner === 'destination') return winner;
  const told = 'the arbiter did not say who runs';
  throw new MigrationError('undecided', `the arbiter said ${printable(show(winner), LONGEST_ANSWER)}`, { told });
}

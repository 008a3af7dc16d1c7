/**
 * Which of the two machines runs. The link can be cut, and either process be killed, at any moment.
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
 * MG-1 The source's machine runs only before `pause` and after `resume`. It resumes if `end` was not handed to the
 *   stream, or its claim has returned `source`. The destination's starts only if its own claim has returned
 *   `destination`; it claims only when it has read `end`.
 * MG-2 Never two. Let the destination run. Its claim returned `destination`, so `end` was handed to the stream, and no
 *   claim ever returns `source`. The source can then resume neither by the first half of MG-1 nor by the second, and it
 *   was paused before `end`.
 * MG-3 Never none, while the arbiter answers and the process of the one that was chosen lives. The source in doubt waits for
 *   a bounded time: for `running`, the loss of the link, its own cancelling, or `stallMs`; then it claims. So there is a
 *   first claim. If it is the source's, it resumes. If it is the destination's, that one was whole, hears that it won,
 *   and starts. A destination discards only before it claims, and then never claims; or after it has lost, and then the
 *   source's claim was the first. A claim that rejects may have been the first: its maker neither runs nor discards (`undecided`).
 * MG-4 What runs is right. `end` is handed over in the step that finds the engine's RAM to be what the destination was told
 *   of before the last harvest; with everything stopped, that harvest took all bits, and a bit leaves the set only when its page
 *   was copied afterwards (DM-2). The stream keeps order, frames are numbered, so whoever reads `end` has read all. With
 *   `verify` both ends compare digests of all RAM before the claim.
 * MG-5 A source that resumes has lost nothing: its RAM was only read, and the next migration starts with all of it dirty.
 *   So do others who collect MIGRATION: all RAM is dirty for them when a migration ends (dirty/exclusive-use.ts).
 *
 * `spec/migration/decision.spec.ts` runs both ends through every order of what can happen.
 *
 * With an arbiter a destination gives up until it claims, and not any more while the claim is on its way: it may be the first.
 *
 * *Without an arbiter* the source's own memory is the register, and the destination's claim is a message: `ready`, to which
 * the source answers `commit`. MG-1 to MG-3 hold with "its claim has returned destination" read as "it has received
 * `commit`", and with "`end`" read as "`commit`" for the source. A destination that waits for `commit` may still give up: it
 * is cancelled, it loses the link, or the source does not answer for `stallMs`. In one step it either takes `commit`, and
 * starts whatever comes after, or gives up, reads nothing more, never starts, and says `abort`.
 *
 * MG-6 So a source that has read `abort` resumes, also after `commit`: who has said `abort` has not taken `commit`, and will not. One that
 *   has sent `commit` and then loses the link without having read either `running` or `abort` cannot know whether `commit`
 *   arrived: it stays paused and says `undecided`. Never two, but perhaps none, until whoever can see both says so.
 */
import { show } from '../base/errors.js';
import { printable } from '../base/printable.js';
import type { Arbiter, Side } from './arbiter.js';
import { MigrationError } from './migration-error.js';
import type { Link } from './wire/link.js';
import type { Replies } from './wire/replies.js';

/** In UTF-16 units, of what an arbiter said. */
const LONGEST_ANSWER = 100;

/** Of one end. */
class Decision {
  /** This end cannot give up any more from here. */
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

  /** The link fails, for this reason, when the peer takes too long. */
  protected startTimer(why: string): NodeJS.Timeout {
    return setTimeout(() => this.link.fail(new MigrationError('timeout', why)), this.stallMs);
  }
}

export class SourceDecision extends Decision {
  /**
   * Hands the machine over, the `end` within the call.
   * @returns whether the destination said that it runs; if not, the arbiter has
   * @throws (rejects) MigrationError: the machine is to be resumed, unless its reason is `undecided`
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
      const what = 'the link was lost when the destination may have been told to start, or not';
      throw new MigrationError('undecided', what, { cause: failure });
    }
    if ((await ask(this.arbiter, 'source')) === 'source') throw failure;
    return false;
  }
}

export class DestinationDecision extends Decision {
  /**
   * The machine is whole. Resolves when it is to run.
   * @throws (rejects) MigrationError: the machine is to be discarded, unless its reason is `undecided`
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
      // Whichever comes first is what this end has decided: `commit` is taken in the step that settles this, or never.
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

/** @throws (rejects) MigrationError `undecided` when the arbiter does not say */
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

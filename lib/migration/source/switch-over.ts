/** Sends all that remains while the machine is paused: RAM, state, digests. */

import { DIGEST_BYTES } from '../../machine/digest.js';
import { MigrationError } from '../migration-error.js';
import type { Link } from '../wire/link.js';
import { MAX_CONTENT, MOST_SEALS } from '../wire/message.js';
import { digestCount, digestOf } from '../wire/part-digests.js';
import type { DirtyPages } from './dirty-pages.js';
import type { OutgoingRam } from './outgoing-ram.js';
import type { PageSender } from './page-sender.js';
import type { Rounds } from './rounds.js';

/** What `switchOver` needs. */
export interface SwitchOver {
  readonly link: Link;
  readonly rounds: Rounds;
  readonly ram: OutgoingRam;
  readonly dirty: DirtyPages;
  readonly sender: PageSender;
  readonly verify: boolean;
  readonly saveState: () => Promise<Uint8Array>;
  /** Hands the machine over, in the step of the call. */
  readonly decide: () => Promise<boolean>;
}

/**
 * Sends the rest, and repeats this if RAM comes or goes meanwhile: in the step that decides, the destination has been
 * told of the RAM that is plugged then, and all of that RAM was collected since (MG-4). The state is saved before the
 * collection, because saving it may store into RAM.
 */
export async function switchOver(over: SwitchOver): Promise<boolean> {
  const { link, rounds, ram, dirty, sender, verify } = over;
  let changes: number;
  let seals = 0;
  do {
    if (seals === MOST_SEALS) {
      throw new MigrationError('source', `RAM came or went ${MOST_SEALS} times while the machine was paused`);
    }
    await rounds.catchUp();
    changes = ram.changes;
    const state = await over.saveState();
    await dirty.collect();
    await rounds.sendAll();
    if (ram.changes !== changes) continue; // RAM that came since has not been collected, so its digest would be wrong
    for (const message of sender.emptySkipped()) await link.send(message);
    seals++;
    await link.send({ type: 'seal', stateBytes: state.length, verify });
    for (let at = 0; at < state.length; at += MAX_CONTENT) {
      await link.send({ type: 'state', bytes: state.subarray(at, at + MAX_CONTENT) });
    }
    if (verify) await sendDigests(over);
  } while (ram.changes !== changes || ram.behind);
  return over.decide();
}

async function sendDigests({ link, ram }: SwitchOver): Promise<void> {
  for (const { number, bytes, skipped } of ram) {
    const block = { bytes, unit: ram.unit, skipped };
    const count = digestCount(bytes.length);
    for (let first = 0; first < count; ) {
      const digests = new Uint8Array(Math.min(count - first, MAX_CONTENT / DIGEST_BYTES) * DIGEST_BYTES);
      for (let at = 0; at < digests.length; at += DIGEST_BYTES) {
        if (link.isTiring) await link.rest();
        const start = (first + at / DIGEST_BYTES) * MAX_CONTENT;
        digests.set(digestOf(block, start, Math.min(start + MAX_CONTENT, bytes.length)), at);
      }
      await link.send({ type: 'digests', block: number, offset: first * MAX_CONTENT, digests });
      first += digests.length / DIGEST_BYTES;
    }
  }
}

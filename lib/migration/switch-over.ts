/** With the machine paused, all that remains: RAM, state, digests. */
import { digestOfBlock } from './block-digest.js';
import type { DirtyPages } from './dirty-pages.js';
import { MAX_CONTENT } from './frame.js';
import type { Link } from './link.js';
import type { OutgoingRam } from './outgoing-ram.js';
import type { PageSender } from './page-sender.js';
import type { Rounds } from './rounds.js';

/** What it takes. */
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
 * Over and over, if RAM comes or goes meanwhile: in the step that decides, the destination has been told of the RAM of the
 * moment, and all of it was collected since (MG-4). The state is saved before, for that may store into RAM.
 */
export async function switchOver(over: SwitchOver): Promise<boolean> {
  const { link, rounds, ram, dirty, sender, verify } = over;
  let changes: number;
  do {
    await rounds.catchUp();
    changes = ram.changes;
    const state = await over.saveState();
    await dirty.collect();
    await rounds.sendAll();
    if (ram.changes !== changes) continue; // RAM that came since has not been collected: its digest would be wrong
    for (const message of sender.emptySkipped()) await link.send(message);
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
    const digest = await link.until(digestOfBlock(bytes, ram.unit, skipped));
    await link.send({ type: 'digest', block: number, digest });
  }
}

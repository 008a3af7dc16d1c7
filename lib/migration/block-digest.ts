/** The digest of a RAM block whose machine is paused. */
import { soon } from '../rcu/turns.js';
import { Digest } from './digest.js';
import type { PageFlags } from './page-flags.js';

/** Bytes in a turn of the event loop: about a millisecond. */
const TURN_BYTES = 2 ** 22;

/** @param unit bytes of a part; those of `skipped` count as zero */
export async function digestOfBlock(bytes: Uint8Array, unit: number, skipped?: PageFlags): Promise<Uint8Array> {
  const digest = new Digest();
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const zeroes = new Int32Array(skipped === undefined ? 0 : unit / 4);
  const unitWords = unit / 4;
  for (let at = 0, turnEnd = 0; at < words.length; at += unitWords) {
    if (at >= turnEnd) {
      turnEnd = at + TURN_BYTES / 4;
      await new Promise<void>((resolve) => soon(resolve));
    }
    if (skipped?.has(at / unitWords)) digest.update(zeroes, 0, unitWords);
    else digest.update(words, at, at + unitWords);
  }
  return digest.bytes();
}

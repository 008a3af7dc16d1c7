/**
 * A schedule as text: who ran, up to which of its accesses. `0:12` thread 0 up to and with its 12th access, `1f3` the
 * stores of thread 1 reach memory up to its 3rd, `2k` thread 2 dies. It names accesses, not decisions, so it does not
 * depend on which words the search took for shared.
 */
import { type Agent, FLUSH, KILL } from './shared-state.js';

export interface Segment {
  readonly agent: Agent;
  /** Accesses of the thread by the segment's end, or the ordinal of the store that was flushed last. */
  readonly until: number;
}

export function formatSchedule(segments: Int32Array): string {
  const words: string[] = [];
  for (let i = 0; i < segments.length; i += 2) {
    const agent = segments[i] as number;
    const until = segments[i + 1] as number;
    if (agent >= KILL) words.push(`${agent - KILL}k`);
    else if (agent >= FLUSH) words.push(`${agent - FLUSH}f${until}`);
    else words.push(`${agent}:${until}`);
  }
  return words.join(',');
}

/** @throws RangeError when it is none of so many threads */
export function parseSchedule(text: string, threads: number): Segment[] {
  if (text === '') return [];
  return text.split(',').map((word) => {
    const [, thread, kind, until] = /^(\d+)(?:([:f])(\d+)|k)$/.exec(word) ?? [];
    if (thread === undefined) throw new RangeError(`'${word}' is no part of a schedule`);
    if (Number(thread) >= threads) throw new RangeError(`'${word}': there is no such thread ${thread}`);
    const agent = Number(thread) + (kind === ':' ? 0 : kind === 'f' ? FLUSH : KILL);
    return { agent, until: Number(until ?? 0) };
  });
}

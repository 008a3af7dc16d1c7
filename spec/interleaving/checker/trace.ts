/** A replayed schedule in words. */
import { Header, Slot, Slots } from '../../../lib/arena/layout.js';
import { Access } from './recording.js';
import { ARENA_BYTES, EXIT_WORDS } from './scenario.js';
import { FLUSH, Global, KILL, type SharedState, TRACED } from './shared-state.js';

const ACCESSES = Object.keys(Access).map((name) => name.toLowerCase());

export function readTrace({ global, trace }: SharedState): string[] {
  const end = global[Global.Trace] as number;
  const lines: string[] = [];
  for (let i = Math.max(0, end - TRACED); i < end; i++) {
    const [agent, kind, at, value] = trace.subarray((i % TRACED) * 4, (i % TRACED) * 4 + 4) as unknown as number[];
    const thread = (agent as number) % FLUSH;
    lines.push(
      (agent as number) >= KILL
        ? `thread ${thread} dies`
        : `thread ${thread} ${ACCESSES[kind as number]} ${wordName(at as number)} = ${value}`,
    );
  }
  return lines;
}

function wordName(at: number): string {
  const guest = at - ARENA_BYTES / 4;
  if (guest >= EXIT_WORDS) return `exit ${guest - EXIT_WORDS}`;
  if (guest >= 0) return `guest ${guest}`;
  for (const [name, index] of Object.entries(Header)) if (index === at) return name;
  if (at === Header.Roots + 1 || at === Header.Roots + 2) return `Roots + ${at - Header.Roots}`;
  const slot = Math.floor((at - Slots.first) / Slots.size);
  const inSlot = (at - Slots.first) % Slots.size;
  for (const [name, index] of Object.entries(Slot))
    if (slot >= 0 && slot < 2 && index === inSlot) return `slot ${slot} ${name}`;
  return `word ${at}`;
}

/**
 * What processors keep in order within a thread. Across threads all of them are alike (coherence.ts,
 * hardware-model.ts): a write that one other thread sees, all see.
 */
import type { Instruction } from './program.js';

export interface Architecture {
  /**
   * Whether `b`, later in the same thread, is after `a` in memory. Barriers carry further what they are ordered with.
   */
  keepsOrder(a: Instruction, b: Instruction): boolean;
  /**
   * Whether what is before an instruction that reads and writes, and acquires and releases, is before what is after it.
   */
  readonly singlesAreBarriers: boolean;
  /** Whether a read of what the own thread has written by an instruction that reads and writes is after that write. */
  readsBackInOrder(read: Instruction): boolean;
}

/**
 * What each of them keeps: barriers, locks, and a write after all accesses of its word, so after its own other half.
 */
function always(a: Instruction, b: Instruction): boolean {
  return (
    a.kind === 'barrier' ||
    b.kind === 'barrier' ||
    a.kind === 'enter' ||
    b.kind === 'leave' ||
    (b.kind === 'write' && b.location === a.location && (a.kind === 'read' || a.kind === 'write'))
  );
}

/**
 * ARMv8 (Pulte et al., "Simplifying ARM concurrency", POPL 2018; Alglave et al., "Armed cats", TOPLAS 2021;
 * `aarch64.cat` of herd), without mixed sizes, instruction fetch and translation, and without ISB, which no engine uses
 * here.
 */
export const ARMV8: Architecture = {
  keepsOrder(a, b) {
    return always(a, b) || (a.acquire !== false && a.kind === 'read') || b.release || (a.release && b.acquire === 'sc');
  },
  singlesAreBarriers: true,
  readsBackInOrder: ({ acquire }) => acquire !== false,
};

/**
 * RVWMO (The RISC-V instruction set manual, volume I, "RVWMO memory consistency model"), with `fence rw, rw` alone. Its
 * rule for two reads of one word that see different writes follows: the second write comes from another thread, and is
 * after the first read and before the second.
 */
export const RISC_V: Architecture = {
  keepsOrder: always,
  singlesAreBarriers: false,
  readsBackInOrder: () => true,
};

/** Sewell et al., "x86-TSO", CACM 2010: a read may overtake writes, and nothing else may overtake anything. */
export const X86_TSO: Architecture = {
  keepsOrder: (a, b) => always(a, b) || a.kind !== 'write' || b.kind !== 'read',
  singlesAreBarriers: true,
  readsBackInOrder: () => false,
};

export const INTERLEAVING: Architecture = {
  keepsOrder: () => true,
  singlesAreBarriers: true,
  readsBackInOrder: () => true,
};

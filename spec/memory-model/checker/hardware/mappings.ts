/**
 * The instructions that engines make of accesses to shared memory, as their sources have them. Where a source leaves a
 * choice, the weaker instruction stands here: what holds for it holds for the stronger one. A plain access is a plain
 * load or store everywhere.
 *
 * The read of `Atomics.wait` is taken to be a plain load, which it is in SpiderMonkey (builtin/AtomicsObject.cpp,
 * `loadSafeWhenRacy`), and its critical section, like that of `Atomics.notify`, to be what a lock gives: nothing leaves
 * it, but accesses from before and after may enter.
 */
import { ARMV8, type Architecture, INTERLEAVING, RISC_V, X86_TSO } from './architectures.js';

/**
 * - `ld`, `st`: of no order of their own. `full`: a barrier between all that precedes and all that follows.
 * - `ld.acq`, `ld.acqpc`, `st.rel`: ARM's `ldar`, `ldapr` and `stlr`.
 * - `ll`, `sc` and `ll.acq`, `sc.rel`: a pair of exclusive accesses (RISC-V: `lr`, `sc`), the last round of its loop.
 * - `amo`: one instruction that reads and writes. `amo.acqrel`: ARM's `swpal`, `ldsetal`, `casal` and so on.
 */
export type Mnemonic =
  | 'ld'
  | 'ld.acq'
  | 'ld.acqpc'
  | 'st'
  | 'st.rel'
  | 'll'
  | 'll.acq'
  | 'sc'
  | 'sc.rel'
  | 'amo'
  | 'amo.acqrel'
  | 'full';

export interface Mapping {
  readonly name: string;
  readonly architecture: Architecture;
  /** `Atomics.load` and so on. */
  readonly load: readonly Mnemonic[];
  readonly store: readonly Mnemonic[];
  readonly modify: readonly Mnemonic[];
  /** An `Atomics.compareExchange` that finds another value, and writes nothing. */
  readonly failedExchange: readonly Mnemonic[];
}

/** Nothing is reordered; which instructions there are does not matter. */
export const INTERLEAVED: Mapping = {
  name: 'sequential consistency',
  architecture: INTERLEAVING,
  load: ['ld'],
  store: ['st'],
  modify: ['amo'],
  failedExchange: ['ld'],
};

/**
 * All three engines: `xchg`, or a store and a barrier, for a store; locked instructions, which are full barriers, for
 * what reads and writes (V8: src/compiler/backend/x64/code-generator-x64.cc).
 */
export const X86: Mapping = {
  name: 'x86',
  architecture: X86_TSO,
  load: ['ld'],
  store: ['st', 'full'],
  modify: ['full', 'amo', 'full'],
  failedExchange: ['full', 'ld', 'full'],
};

/** V8 (src/compiler/backend/arm64/code-generator-arm64.cc, ASSEMBLE_ATOMIC_...) where the processor has no LSE. */
export const V8_PAIRS: Mapping = {
  name: 'ARM, V8 with exclusive pairs',
  architecture: ARMV8,
  load: ['ld.acq'],
  store: ['st.rel'],
  modify: ['ll.acq', 'sc.rel'],
  failedExchange: ['ll.acq'],
};

/** V8 on processors with LSE, which it looks for when it starts (same file, EmitAtomicAlternatives). */
export const V8_LSE: Mapping = {
  ...V8_PAIRS,
  name: 'ARM, V8 with LSE',
  modify: ['amo.acqrel'],
  failedExchange: ['ld.acq'],
};

/**
 * SpiderMonkey (js/src/jit/arm64/MacroAssembler-arm64.cpp; js/src/jit/AtomicOp.h, Synchronization; `memoryBarrier` is
 * `dmb ish` whichever barrier is wanted, bug 1715494). With LSE there is a `swpal` or the like between the barriers in
 * place of the pair.
 */
export const SPIDERMONKEY: Mapping = {
  name: 'ARM, SpiderMonkey',
  architecture: ARMV8,
  load: ['ld', 'full'],
  store: ['full', 'st', 'full'],
  modify: ['full', 'll', 'sc', 'full'],
  failedExchange: ['full', 'll', 'full'],
};

/**
 * JavaScriptCore: a load adds 0 and a store exchanges (Source/JavaScriptCore/runtime/AtomicsObject.cpp; Source/WTF/wtf/
 * Atomics.h, loadFullyFenced and storeFullyFenced), as C++ compilers translate them for seq_cst without LSE (ARM's
 * "C/C++ Atomics ABI for the Arm 64-bit architecture").
 */
export const JAVASCRIPTCORE_PAIRS: Mapping = {
  name: 'ARM, JavaScriptCore with exclusive pairs',
  architecture: ARMV8,
  load: ['ll.acq', 'sc.rel'],
  store: ['ll.acq', 'sc.rel'],
  modify: ['ll.acq', 'sc.rel'],
  failedExchange: ['ll.acq'],
};

/** The same with LSE, which all of Apple's processors of today have. */
export const JAVASCRIPTCORE_LSE: Mapping = {
  name: 'ARM, JavaScriptCore with LSE',
  architecture: ARMV8,
  load: ['amo.acqrel'],
  store: ['amo.acqrel'],
  modify: ['amo.acqrel'],
  failedExchange: ['ld.acq'],
};

/** V8 (src/compiler/backend/riscv/code-generator-riscv.cc; `sync` is `fence iorw, iorw`). */
export const V8_RISC_V: Mapping = {
  name: 'RISC-V, V8',
  architecture: RISC_V,
  load: ['ld', 'full'],
  store: ['full', 'st', 'full'],
  modify: ['full', 'll', 'sc', 'full'],
  failedExchange: ['full', 'll', 'full'],
};

/**
 * No engine's: `ldapr` for loads, which C++ may use for acquire but not for seq_cst. The proofs need more than that.
 */
export const LDAPR: Mapping = { ...V8_LSE, name: 'ARM with ldapr, a control', load: ['ld.acqpc'] };

/** Chooses the kernel that a thread uses for an arena. */
import type { Arena } from '../arena/arena.js';
import { FLAG_ATOMICS_KERNEL, Header } from '../arena/layout.js';
import { outOfRange, wrongType } from '../base/errors.js';
import { AtomicsKernel } from './atomics-kernel.js';
import type { Kernel } from './kernel.js';
import { WasmKernel } from './wasm-kernel.js';

export type KernelChoice = 'auto' | 'wasm' | 'atomics';

/**
 * The thread's kernels by memory and byte offset: a thread may attach to one arena many times and reuses the kernel.
 */
const loaded = new WeakMap<WebAssembly.Memory, Map<number, WasmKernel>>();

/** @throws TypeError, RangeError when `choice` is not a `KernelChoice` */
export function checkKernelChoice(operation: string, choice: unknown): KernelChoice {
  if (typeof choice !== 'string') throw wrongType(operation, 'kernel', choice, 'a string');
  if (choice !== 'auto' && choice !== 'wasm' && choice !== 'atomics') {
    throw outOfRange(operation, 'kernel', choice, "'auto', 'wasm' or 'atomics'");
  }
  return choice;
}

/**
 * Chooses the WebAssembly kernel where the thread can use it, unless the engine was created with the kernel 'atomics'.
 * @param choice 'wasm' accepts no other kernel
 * @throws RangeError when `choice` is 'wasm' and the module cannot be compiled, or linked with the arena's memory
 */
export function chooseKernel(arena: Arena, choice: KernelChoice = 'auto'): Kernel {
  // A plain read suffices: the header does not change after creation.
  const atomicsOnly = (arena.words.get(Header.Flags) & FLAG_ATOMICS_KERNEL) !== 0;
  if (atomicsOnly) return new AtomicsKernel(arena.words);
  let reason: Error | undefined;
  const kernel = loadOnce(arena, (why) => {
    reason = why;
  });
  if (kernel === undefined && choice === 'wasm') {
    const message = `DirtyMemory.create: kernel 'wasm' cannot be used here (${reason?.message}); use 'auto' or 'atomics'`;
    throw new RangeError(message, { cause: reason });
  }
  return kernel ?? new AtomicsKernel(arena.words);
}

/** Loads a kernel once for each arena. A failure is not remembered: the next call tries again. */
function loadOnce({ handle }: Arena, refuse: (why: Error) => void): WasmKernel | undefined {
  const { memory, byteOffset } = handle;
  const kernels = loaded.get(memory) ?? new Map<number, WasmKernel>();
  loaded.set(memory, kernels);
  const kernel = kernels.get(byteOffset) ?? WasmKernel.load(memory, byteOffset, refuse);
  if (kernel !== undefined) kernels.set(byteOffset, kernel);
  return kernel;
}

/** Which kernel a thread uses for an arena. */
import type { Arena } from '../arena/arena.js';
import { FLAG_ATOMICS_KERNEL, Header } from '../arena/layout.js';
import { outOfRange, wrongType } from '../base/errors.js';
import { AtomicsKernel } from './atomics-kernel.js';
import type { Kernel } from './kernel.js';
import { WasmKernel } from './wasm-kernel.js';

export type KernelChoice = 'auto' | 'wasm' | 'atomics';

/** A thread may attach to one arena often; its kernel is the same each time. */
const loaded = new WeakMap<WebAssembly.Memory, Map<number, WasmKernel>>();

/** @throws TypeError, RangeError when `choice` is none */
export function checkKernelChoice(operation: string, choice: unknown): KernelChoice {
  if (typeof choice !== 'string') throw wrongType(operation, 'kernel', choice, 'a string');
  if (choice !== 'auto' && choice !== 'wasm' && choice !== 'atomics') {
    throw outOfRange(operation, 'kernel', choice, "'auto', 'wasm' or 'atomics'");
  }
  return choice;
}

/**
 * Wasm wherever the thread can have it, unless the engine was created for the kernel on `Atomics`.
 * @param choice 'wasm': have no other
 * @throws RangeError when wasm is asked for, and cannot be compiled, or linked with the arena's memory
 */
export function chooseKernel(arena: Arena, choice: KernelChoice = 'auto'): Kernel {
  // Plain: the header does not change after creation.
  const atomicsOnly = (arena.words.get(Header.Flags) & FLAG_ATOMICS_KERNEL) !== 0;
  if (atomicsOnly) return new AtomicsKernel(arena.words);
  let reason: Error | undefined;
  const kernel = loadOnce(arena, (why) => {
    reason = why;
  });
  if (kernel === undefined && choice === 'wasm') {
    const message = `DirtyMemory.create: kernel 'wasm' cannot be had here (${reason?.message}); 'auto' and 'atomics' can`;
    throw new RangeError(message, { cause: reason });
  }
  return kernel ?? new AtomicsKernel(arena.words);
}

/** What cannot be loaded is tried again each time. */
function loadOnce({ handle }: Arena, refuse: (why: Error) => void): WasmKernel | undefined {
  const { memory, byteOffset } = handle;
  const kernels = loaded.get(memory) ?? new Map<number, WasmKernel>();
  loaded.set(memory, kernels);
  const kernel = kernels.get(byteOffset) ?? WasmKernel.load(memory, byteOffset, refuse);
  if (kernel !== undefined) kernels.set(byteOffset, kernel);
  return kernel;
}

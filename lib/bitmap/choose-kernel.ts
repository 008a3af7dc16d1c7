/** Which kernel a thread uses for an arena. */
import type { Arena } from '../arena/arena.js';
import { FLAG_ATOMICS_KERNEL, Header } from '../arena/layout.js';
import { AtomicsKernel } from './atomics-kernel.js';
import type { Kernel } from './kernel.js';
import { WasmKernel } from './wasm-kernel.js';

export type KernelChoice = 'auto' | 'wasm' | 'atomics';

/** A thread may attach to one arena often; its kernel is the same each time. */
const loaded = new WeakMap<WebAssembly.Memory, Map<number, WasmKernel>>();

/** @throws RangeError when 'wasm' is asked for and this thread cannot have it */
export function chooseKernel(arena: Arena, choice: KernelChoice): Kernel {
  // Plain: the header does not change after creation.
  const atomicsOnly = (arena.words.get(Header.Flags) & FLAG_ATOMICS_KERNEL) !== 0;
  const kernel = atomicsOnly ? undefined : loadOnce(arena.handle.memory, arena.handle.byteOffset);
  if (kernel !== undefined) return kernel;
  if (choice === 'wasm')
    throw new RangeError("kernel: 'wasm' cannot be had here: it needs WebAssembly with SIMD and threads");
  return new AtomicsKernel(arena.words);
}

function loadOnce(memory: WebAssembly.Memory, byteOffset: number): WasmKernel | undefined {
  const kernels = loaded.get(memory) ?? new Map<number, WasmKernel>();
  loaded.set(memory, kernels);
  const kernel = kernels.get(byteOffset) ?? WasmKernel.load(memory, byteOffset);
  if (kernel !== undefined) kernels.set(byteOffset, kernel);
  return kernel;
}

/** Which kernel a thread uses for an arena. */
import type { Arena } from '../arena/arena.js';
import { FLAG_ATOMICS_KERNEL, Header } from '../arena/layout.js';
import { outOfRange, wrongType } from '../errors.js';
import { AtomicsKernel } from './atomics-kernel.js';
import type { Kernel } from './kernel.js';
import { WasmKernel } from './wasm-kernel.js';

/** A thread may attach to one arena often; its kernel is the same each time. */
const loaded = new WeakMap<WebAssembly.Memory, Map<number, WasmKernel>>();

/** @throws TypeError, RangeError when `choice` is none, or 'wasm' is asked for and this thread cannot have it */
export function checkKernelChoice(operation: string, choice: unknown, shared: boolean): void {
  if (typeof choice !== 'string') throw wrongType(operation, 'kernel', choice, 'a string');
  if (choice !== 'auto' && choice !== 'wasm' && choice !== 'atomics') {
    throw outOfRange(operation, 'kernel', choice, "'auto', 'wasm' or 'atomics'");
  }
  if (choice === 'wasm' && !WasmKernel.isAvailable(shared)) {
    throw outOfRange(
      operation,
      'kernel',
      choice,
      "'auto' or 'atomics' here, without WebAssembly with SIMD and threads",
    );
  }
}

/** Wasm wherever the thread can have it, unless the engine was created for the kernel on `Atomics`. */
export function chooseKernel(arena: Arena): Kernel {
  // Plain: the header does not change after creation.
  const atomicsOnly = (arena.words.get(Header.Flags) & FLAG_ATOMICS_KERNEL) !== 0;
  const kernel = atomicsOnly ? undefined : loadOnce(arena.handle.memory, arena.handle.byteOffset);
  return kernel ?? new AtomicsKernel(arena.words);
}

function loadOnce(memory: WebAssembly.Memory, byteOffset: number): WasmKernel | undefined {
  const kernels = loaded.get(memory) ?? new Map<number, WasmKernel>();
  loaded.set(memory, kernels);
  const kernel = kernels.get(byteOffset) ?? WasmKernel.load(memory, byteOffset);
  if (kernel !== undefined) kernels.set(byteOffset, kernel);
  return kernel;
}

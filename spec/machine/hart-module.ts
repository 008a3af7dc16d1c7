/** The modules of the harts, compiled once. */
import { HART_WASM } from './hart.wasm.js';

/**
 * How stores are tracked: not at all, by the ABI's sequence on each store, or by a mark when an entry of the write-TLB is
 * filled.
 */
export type Tracking = keyof typeof HART_WASM;

export const HART_TRACKINGS = Object.keys(HART_WASM) as Tracking[];

const modules = new Map<Tracking, WebAssembly.Module>();

export function hartBytes(tracking: Tracking): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(HART_WASM[tracking]), (byte) => byte.charCodeAt(0));
}

export function moduleOf(tracking: Tracking): WebAssembly.Module {
  const known = modules.get(tracking);
  if (known) return known;
  const module = new WebAssembly.Module(hartBytes(tracking));
  modules.set(tracking, module);
  return module;
}

/**
 * What a value really is. `instanceof` asks for a prototype: what comes from another realm (an iframe, a `vm` context, a
 * test runner that gives each file of tests a global object of its own) has another one, and what is forged has the right
 * one. The built-in accessors asked here look at the object itself, and work across realms.
 */

/** A signal that can be listened to. */
export function isAbortSignal(value: unknown): value is AbortSignal {
  return typeof ask(AbortSignal.prototype, 'aborted', value) === 'boolean';
}

/** A memory whose `buffer` is its own, and not a property that hides it. */
export function isMemory(value: unknown): value is WebAssembly.Memory {
  const buffer = ask(WebAssembly.Memory.prototype, 'buffer', value);
  return buffer !== undefined && buffer === (value as WebAssembly.Memory).buffer;
}

/** Not a SharedArrayBuffer, whose constructor not every page has. */
export function isArrayBuffer(value: unknown): value is ArrayBuffer {
  return ask(ArrayBuffer.prototype, 'byteLength', value) !== undefined;
}

export function isUint8Array(value: unknown): value is Uint8Array {
  return typedArrayName(value) === 'Uint8Array';
}

export function isUint32Array(value: unknown): value is Uint32Array {
  return typedArrayName(value) === 'Uint32Array';
}

/** Undefined of what is no typed array. Looked up once: a vCPU asks at each mark that lists. */
const tag = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag)
  ?.get as () => unknown;

function typedArrayName(value: unknown): unknown {
  return tag.call(value);
}

/** @returns the property of `value`; undefined when `value` is not what the prototype's accessor is for, and it throws */
function ask(prototype: object, property: PropertyKey, value: unknown): unknown {
  const get = Object.getOwnPropertyDescriptor(prototype, property)?.get;
  try {
    return get && Reflect.apply(get, value, []);
  } catch {
    return undefined;
  }
}

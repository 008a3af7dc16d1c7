/**
 * Tells what a value really is. `instanceof` only compares prototypes: an object from another realm (an iframe, a `vm`
 * context, a test runner that gives each test file its own global object) has a different prototype, and a forged
 * object has the right one. The built-in accessors that are called here look at the object itself, and work across
 * realms.
 */

/** Is the value a real signal, which can be listened to? */
export function isAbortSignal(value: unknown): value is AbortSignal {
  return typeof ask(AbortSignal.prototype, 'aborted', value) === 'boolean';
}

/** Is the value a memory whose `buffer` is the real one, not a property that hides it? */
export function isMemory(value: unknown): value is WebAssembly.Memory {
  const buffer = ask(WebAssembly.Memory.prototype, 'buffer', value);
  return buffer !== undefined && buffer === (value as WebAssembly.Memory).buffer;
}

/** False for a SharedArrayBuffer. The check works on pages that have no SharedArrayBuffer constructor, too. */
export function isArrayBuffer(value: unknown): value is ArrayBuffer {
  return ask(ArrayBuffer.prototype, 'byteLength', value) !== undefined;
}

/** False on pages that have no SharedArrayBuffer constructor. */
export function isSharedArrayBuffer(value: unknown): value is SharedArrayBuffer {
  if (typeof SharedArrayBuffer === 'undefined') return false;
  return ask(SharedArrayBuffer.prototype, 'byteLength', value) !== undefined;
}

export function isUint8Array(value: unknown): value is Uint8Array {
  return typedArrayName(value) === 'Uint8Array';
}

export function isUint32Array(value: unknown): value is Uint32Array {
  return typedArrayName(value) === 'Uint32Array';
}

/**
 * Gives the name of a typed array's type, and undefined for any other value. It is looked up only once, because
 * `markRangeAndList` calls it each time.
 */
const tag = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag)
  ?.get as () => unknown;

function typedArrayName(value: unknown): unknown {
  return tag.call(value);
}

/**
 * @returns the property of `value`; undefined when the prototype's accessor throws, since it is not for such a value
 */
function ask(prototype: object, property: PropertyKey, value: unknown): unknown {
  const get = Object.getOwnPropertyDescriptor(prototype, property)?.get;
  try {
    return get && Reflect.apply(get, value, []);
  } catch {
    return undefined;
  }
}

/** Values that no parameter wants, each with a name, which is what fast-check prints. */
import fc from 'fast-check';

/** Thrown by the code of a hostile value itself. */
export class HostileError extends Error {
  override readonly name = 'HostileError';
}

/** A value for a parameter, made anew for each call. */
export class Value<World> {
  readonly title: string;
  readonly make: (world: World) => unknown;
  /** Whether code of its own throws when it is looked into. */
  readonly throws: boolean;

  constructor(title: string, make: (world: World) => unknown, throws = false) {
    this.title = title;
    this.make = make;
    this.throws = throws;
  }

  [fc.toStringMethod](): string {
    return this.title;
  }
}

export function value(title: string, make: () => unknown): Value<unknown> {
  return new Value(title, make);
}

export function numbers(...list: number[]): Value<unknown>[] {
  return list.map((number) => value(Object.is(number, -0) ? '-0' : String(number), () => number));
}

function throwIt(): never {
  throw new HostileError('code of the value itself');
}

function throwingProxy(): unknown {
  const traps = new Proxy({}, { get: () => throwIt });
  return new Proxy({}, traps);
}

function revokedProxy(): unknown {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

/** None of them is a number, a string, a boolean, a function or an object with properties of use; most are objects. */
export const objects: readonly Value<unknown>[] = [
  value('{}', () => ({})),
  value('[]', () => []),
  value('[0]', () => [0]),
  value('Object.create(null)', () => Object.create(null)),
  value('a frozen object', () => Object.freeze({})),
  value('new Number(0)', () => new Number(0)),
  value('new String("0")', () => new String('0')),
  value('valueOf gives 0', () => ({ valueOf: () => 0 })),
  value('toString gives "0"', () => ({ toString: () => '0' })),
  value('valueOf throws', () => ({ valueOf: throwIt, toString: throwIt })),
  value('toPrimitive throws', () => ({ [Symbol.toPrimitive]: throwIt })),
  value('toStringTag throws', () => Object.defineProperty({}, Symbol.toStringTag, { get: throwIt })),
  value('a transparent proxy', () => new Proxy({}, {})),
  value('a date', () => new Date(0)),
  value('a map', () => new Map()),
  value('a promise', () => Promise.resolve(0)),
  value('an array buffer', () => new ArrayBuffer(8)),
  value('a shared array buffer', () => new SharedArrayBuffer(8)),
  value('an abort controller', () => new AbortController()),
];

/** Objects that refuse to be looked into at all. */
export const closedObjects: readonly Value<unknown>[] = [
  new Value('a proxy whose traps throw', throwingProxy, true),
  new Value('a revoked proxy', revokedProxy, true),
];

export const functions: readonly Value<unknown>[] = [
  value('a function', () => () => 0),
  value('a class', () => class {}),
  value('a function that cannot be shown', () => Object.assign(() => 0, { toString: throwIt })),
  value('a proxy of a function', () => new Proxy(() => 0, {})),
];

export const strings: readonly Value<unknown>[] = [
  value('""', () => ''),
  value('"0"', () => '0'),
  value('"4096"', () => '4096'),
  value('"__proto__"', () => '__proto__'),
];

/** Without undefined, which stands for what is left out. */
export const primitives: readonly Value<unknown>[] = [
  value('null', () => null),
  value('true', () => true),
  value('0n', () => 0n),
  value('-1n', () => -1n),
  value('a symbol', () => Symbol('hostile')),
];

export const absent = value('undefined', () => undefined);

export const noObjects = [...primitives, ...strings, ...functions, ...numbers(0, 1, Number.NaN)];
export const noNumbers = [...objects, ...closedObjects, ...functions, ...strings, ...primitives];
export const noStrings = [...objects, ...closedObjects, ...functions, ...primitives, ...numbers(0, 1, Number.NaN)];
export const noFunctions = [...objects, ...closedObjects, ...strings, ...primitives, ...numbers(0, 1, Number.NaN)];

/** Numbers that are no integers from 0 to 2^53 - 1. */
export const noSizes: fc.Arbitrary<Value<unknown>> = fc.oneof(
  fc.constantFrom(...numbers(Number.NaN, Infinity, -Infinity, -1, 0.5, -0.5, 1e300, 2 ** 53, -(2 ** 53))),
  fc
    .oneof(fc.double(), fc.integer({ max: -1 }))
    .filter((number) => !(Number.isSafeInteger(number) && number >= 0))
    .map((number) => numbers(number)[0] as Value<unknown>),
);

/** An object whose property throws when it is read. */
export function withThrowing(field: string, others: object): object {
  return Object.defineProperty({ ...others }, field, { enumerable: true, get: throwIt });
}

/** Calls of public operations with hostile arguments: made up by fast-check, and judged. */
import { expect } from 'chai';
import fc from 'fast-check';
import { boundedCall, type Outcome } from './bounded-call.js';
import { HostileError, type Value } from './hostile-values.js';
import type { PublicOperation } from './public-operation.js';
import { publicOperations } from './public-operations.js';
import type { World } from './world-arguments.js';

/** A failure is told, with its seed, before mocha loses patience: shrinking may take minutes. */
export const SHRINKING = { interruptAfterTimeLimit: 200_000 };

/** A call, some of whose arguments are bad; the others are good. */
export interface HostileCall {
  readonly name: string;
  readonly bad: readonly (Value<World> | undefined)[];
}

export const hostileCalls: fc.Arbitrary<HostileCall> = fc
  .constantFrom(...Object.keys(publicOperations).filter((name) => operationNamed(name).parameters.length > 0))
  .chain((name) => {
    const { parameters } = operationNamed(name);
    const positions = fc.subarray([...parameters.keys()], { minLength: 1 });
    const bad = positions.chain((chosen) =>
      fc.tuple(...parameters.map(({ bad }, i) => (chosen.includes(i) ? bad : fc.constant(undefined)))),
    );
    return fc.record({ name: fc.constant(name), bad });
  });

export function operationNamed(name: string): PublicOperation {
  return publicOperations[name] as PublicOperation;
}

export function titleOf({ name, bad }: HostileCall): string {
  return `${name}(${bad.map((value) => value?.title ?? 'good').join(', ')})`;
}

/** Its fast path makes a number of its first argument, which runs the argument's own code. */
export function coerces({ name }: HostileCall): boolean {
  return name === 'Vcpu.mark' || name === 'Vcpu.markPage';
}

/** Its fast path rounds its first argument, which runs the argument's own code, and refuses it all the same. */
function runsCode({ name }: HostileCall): boolean {
  return /^GuestRam\.(store|load)/.test(name);
}

export interface Made {
  readonly args: readonly unknown[];
  readonly outcome: Outcome;
}

/** @throws Hang (rejects) */
export async function makeCall(call: HostileCall, world: World): Promise<Made> {
  const { name, bad } = call;
  const { call: act, parameters } = operationNamed(name);
  const args = parameters.map(({ good }, i) => (bad[i] === undefined ? good(world) : bad[i].make(world)));
  const outcome = await boundedCall(titleOf(call), () => act(world, ...(args as never[])));
  return { args, outcome };
}

/** What the messages of an operation's errors may begin with: what the caller has typed, or what the operation calls. */
const OTHER_PREFIXES: Readonly<Record<string, string>> = {
  'DirtyMemory.create': 'DirtyMemory.create',
  'DirtyMemory.reclaim': 'DirtyMemory.reclaim',
  'Trace.open': 'Trace.open',
  'PageSet.[Symbol.iterator]': 'runs',
  'Tracking.[Symbol.asyncDispose]': 'stop',
  'StateChain.[Symbol.asyncDispose]': 'stop',
  auditStores: 'track',
  'Vcpu.read': 'readLock',
  'Vcpu.offline': 'goOffline',
};

/** What the operations of an object call, or have called, that may refuse. */
const BEFORE: Readonly<Record<string, readonly string[]>> = {
  'Migration.': ['migrate'],
  Tracking: ['track'],
  'GuestRam.': ['mark', 'markRange'],
  StoreAudit: ['harvest', 'whileStopped.harvest', 'synchronize'],
};

function prefixesOf({ name }: HostileCall): string[] {
  const method = name.slice(name.indexOf('.') + 1);
  const own = name.includes('WhileStopped.') ? `whileStopped.${method}` : method;
  const before = Object.entries(BEFORE).flatMap(([of, names]) => (name.startsWith(of) ? names : []));
  return [own, ...before, OTHER_PREFIXES[name] ?? own].map((prefix) => `${prefix}: `);
}

/**
 * The error is one of those that bad arguments get: bad values get RangeErrors, bad types get TypeErrors. Its message
 * begins with the operation, unless a hostile argument has thrown it.
 */
export function expectRefusal(call: HostileCall, outcome: Outcome): void {
  if ('returned' in outcome) throw new Error(`${titleOf(call)} was accepted`);
  const { threw } = outcome;
  const byArgument = coerces(call) || runsCode(call) || call.bad.some((value) => value?.throws);
  if (threw instanceof HostileError && byArgument) return;
  const good = threw instanceof TypeError || threw instanceof RangeError;
  expect(good, `${titleOf(call)} threw ${threw instanceof Error ? threw.stack : typeof threw}`).to.equal(true);
  if (byArgument) return;
  const { message } = threw as Error;
  const named = prefixesOf(call).some((prefix) => message.startsWith(prefix));
  expect(named, `${titleOf(call)}: '${message}' begins with the operation`).to.equal(true);
}

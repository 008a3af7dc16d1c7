/** The operations of the door to guest RAM, and what they may be given. */

import { StoreAudit } from '../../lib/guest/audit.js';
import { auditStores, GuestRam } from '../../lib/guest/index.js';
import type { Tracking } from '../../lib/tracking.js';
import { callback, type Domain, needed, oneOf, options, size } from './argument-domains.js';
import {
  absent,
  closedObjects,
  noNumbers,
  noObjects,
  noStrings,
  numbers,
  objects,
  strings,
  value,
} from './hostile-values.js';
import { operation, type PublicOperation } from './public-operation.js';
import { length, optionalClient, start, type World, waits } from './world-arguments.js';

const things = [...noObjects, ...objects, ...closedObjects];

function guestOf({ vcpu, block }: World): GuestRam {
  return new GuestRam(vcpu, [{ offset: block.offset, contents: new Uint8Array(block.size) }]);
}

const big = value('a BigInt', () => 5n);
const number = needed(oneOf<World>(() => 3, noNumbers, [big]));
const bigint = needed(
  oneOf<World>(
    () => 3n,
    noNumbers.filter(({ title }) => !/n$|BigInt/.test(title)),
    numbers(1, 0.5),
  ),
);
const bits = needed(size<World>(() => 32, 1, 64));
const by = needed(oneOf<World>(() => 'add', noStrings, strings));
const bytes: Domain<World> = needed(
  oneOf<World>(() => new Uint8Array(8), [absent, ...things], [value('words', () => new Int32Array(2))]),
);
const contents: Domain<World> = needed(
  oneOf<World>(
    ({ pageSize }) => new Uint8Array(pageSize),
    [absent, ...things],
    [value('a part of a page', () => new Uint8Array(5)), value('no page', () => new SharedArrayBuffer(0))],
  ),
);
const stored = { 8: number, 16: number, 32: number, 64: bigint, F32: number, F64: number };
const loads = ['U8', 'S8', 'U16', 'S16', 'U32', 'S32', 'U64', 'S64', 'F32', 'F64'];
type Call = (...args: unknown[]) => unknown;

function called(world: World, name: string, ...args: unknown[]): unknown {
  const ram = guestOf(world);
  return (ram as unknown as Record<string, Call>)[name]?.apply(ram, args);
}

function method(name: string, ...parameters: Domain<World>[]): [string, PublicOperation] {
  return [`GuestRam.${name}`, operation((world, ...args) => called(world, name, ...args), ...parameters)];
}

/** @param userOf makes a user of the world's engine */
export function guestOperations(userOf: (world: World) => Tracking): Readonly<Record<string, PublicOperation>> {
  const auditOf = (world: World): StoreAudit =>
    new StoreAudit({
      memory: world.memory,
      contents: ({ size }) => new Uint8Array(size),
      maxPages: Infinity,
      tracking: userOf(world),
    });
  return {
    ...Object.fromEntries([
      method(
        'map',
        needed(size<World>(({ block, pageSize }) => block.offset + block.size + 64 * pageSize, 5, 2 ** 53 - 8)),
        contents,
      ),
      // It refuses no place where there is no RAM.
      method(
        'unmap',
        needed(size<World>(({ block }) => block.offset, 5, 2 ** 53 - 8)),
        needed(size<World>(({ pageSize }) => pageSize, 5, 2 ** 53 - 8)),
      ),
      ...Object.entries(stored).map(([width, value]) => method(`store${width}`, start, value)),
      ...loads.map((width) => method(`load${width}`, start)),
      method('readModifyWrite', by, start, bits, number),
      method('readModifyWrite64', by, start, bigint),
      method('compareExchange', start, bits, number, number),
      method('compareExchange64', start, bigint, bigint),
      method('atomicStore', start, bits, number),
      method('atomicStore64', start, bigint),
      method('atomicLoad', start, bits),
      method('atomicLoad64', start),
      method('fill', number, start, length),
      method('copyWithin', start, start, length),
      method('set', bytes, start),
    ]),
    auditStores: operation(
      (_, m, c, o) => auditStores(m, c, o).then((audit) => audit.stop()),
      needed(oneOf<World>(({ memory }) => memory, things)),
      {
        ...callback(),
        good:
          () =>
          ({ size }: { readonly size: number }) =>
            new Uint8Array(size),
      },
      options<World>({ client: optionalClient, maxPages: size<World>(() => 5, 0, 2 ** 33), ...waits }),
    ),
    'StoreAudit.pagesCompared': operation((world) => auditOf(world).pagesCompared),
    'StoreAudit.check': operation((world, o) => auditOf(world).check(o), options<World>(waits)),
    'StoreAudit.stop': operation((world) => auditOf(world).stop()),
    'StoreAudit.[Symbol.asyncDispose]': operation((world) => auditOf(world)[Symbol.asyncDispose]()),
    'StoreAuditWhileStopped.check': operation((world) => auditOf(world).whileStopped.check()),
  };
}

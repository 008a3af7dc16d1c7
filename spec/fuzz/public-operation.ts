/** A public operation, as the fuzz specs call it. */
import type { Domain } from './argument-domains.js';
import type { World } from './world-arguments.js';

export interface PublicOperation {
  readonly call: (world: World, ...args: never[]) => unknown;
  readonly parameters: readonly Domain<World>[];
}

export function operation(call: PublicOperation['call'], ...parameters: Domain<World>[]): PublicOperation {
  return { call, parameters };
}

/**
 * The clients of dirty bits (QEMU: DIRTY_MEMORY_VGA, _CODE, _MIGRATION). Each client has a bitmap of its own. The value
 * of a client is its bit in a mask, so a client may be passed wherever a mask of clients is expected.
 */
import { outOfRange, wrongType } from '../base/errors.js';

/** The display. */
export const VGA = 1 as const;
/** Translated code. */
export const CODE = 2 as const;
/** Live migration, snapshots, dirty rates. */
export const MIGRATION = 4 as const;
/** The mask of all clients. */
export const ALL_CLIENTS = 7;

/** One client; a mask of several is not a `Client`. */
export type Client = typeof VGA | typeof CODE | typeof MIGRATION;

/** All clients, in the order of their roots in the arena. */
export const CLIENTS: readonly Client[] = [VGA, CODE, MIGRATION];

/**
 * A client's index among the roots in the arena, and in everything else that has one entry for each client. Only
 * `rootOf` computes it.
 */
export type Root = 0 | 1 | 2;

export function rootOf(client: Client): Root {
  return client === VGA ? 0 : client === CODE ? 1 : 2;
}

/** @returns the mask of those clients of `mask` for which `holds` returns true */
export function clientsFor(mask: number, holds: (client: Client) => boolean): number {
  let result = 0;
  for (const client of CLIENTS) if ((mask & client) !== 0 && holds(client)) result |= client;
  return result;
}

export function clientName(client: Client): string {
  return client === VGA ? 'VGA' : client === CODE ? 'CODE' : 'MIGRATION';
}

/** The names of a mask's clients, as a program writes them. */
export function maskName(mask: number): string {
  return CLIENTS.filter((client) => (mask & client) !== 0)
    .map(clientName)
    .join(' | ');
}

export function checkClient(operation: string, client: unknown): Client {
  if (client === VGA || client === CODE || client === MIGRATION) return client;
  const expected = 'one client, VGA (1), CODE (2) or MIGRATION (4), not the sum of several';
  if (typeof client !== 'number') throw wrongType(operation, 'client', client, expected);
  throw outOfRange(operation, 'client', client, expected);
}

/** @param least 0 when the mask may be empty */
export function checkMask(operation: string, mask: unknown, what = 'mask', least = 1): number {
  if (typeof mask === 'number' && Number.isInteger(mask) && mask >= least && mask <= ALL_CLIENTS) return mask;
  const expected = `a mask of clients from ${least} to ${ALL_CLIENTS}, the sum of VGA (1), CODE (2) and MIGRATION (4)`;
  if (typeof mask !== 'number') throw wrongType(operation, what, mask, expected);
  throw outOfRange(operation, what, mask, expected);
}

/** The users of dirty bits (QEMU: DIRTY_MEMORY_VGA, _CODE, _MIGRATION), each with a bitmap of its own. */
import { outOfRange, wrongType } from '../base/errors.js';

export const Client = { Vga: 0, Code: 1, Migration: 2 } as const;
export type Client = (typeof Client)[keyof typeof Client];

export const CLIENTS: readonly Client[] = [Client.Vga, Client.Code, Client.Migration];
export const CLIENT_COUNT = 3;
/**
 * The mask of all clients; a client's bit in a mask is `1 << client`. Do not mix them up: `Client.Migration` (2), used as a
 * mask, means CODE.
 */
export const ALL_CLIENTS = 7;

/** @returns the mask of those clients of `mask` for which `holds` */
export function clientsFor(mask: number, holds: (client: Client) => boolean): number {
  let result = 0;
  for (const client of CLIENTS) if ((mask & (1 << client)) !== 0 && holds(client)) result |= 1 << client;
  return result;
}

const NAMES = ['VGA', 'CODE', 'MIGRATION'] as const;

export function clientName(client: number): string {
  return NAMES[client] ?? String(client);
}

export function checkClient(operation: string, client: unknown): Client {
  if (client === 0 || client === 1 || client === 2) return client;
  const expected = 'one client, 0 (VGA), 1 (CODE) or 2 (MIGRATION), and no mask';
  if (typeof client !== 'number') throw wrongType(operation, 'client', client, expected);
  throw outOfRange(operation, 'client', client, expected);
}

/** @param least 0 where there may be no client */
export function checkMask(operation: string, mask: unknown, what = 'mask', least = 1): number {
  if (typeof mask === 'number' && Number.isInteger(mask) && mask >= least && mask <= ALL_CLIENTS) return mask;
  const expected = `a mask of clients from ${least} to ${ALL_CLIENTS}, the sum of 1 (VGA), 2 (CODE) and 4 (MIGRATION)`;
  if (typeof mask !== 'number') throw wrongType(operation, what, mask, expected);
  throw outOfRange(operation, what, mask, expected);
}

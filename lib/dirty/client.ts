/** The users of dirty bits (QEMU: DIRTY_MEMORY_VGA, _CODE, _MIGRATION), each with a bitmap of its own. */
import { outOfRange, wrongType } from '../errors.js';

export const Client = { Vga: 0, Code: 1, Migration: 2 } as const;
export type Client = (typeof Client)[keyof typeof Client];

export const CLIENT_COUNT = 3;
/** The mask of all clients; a client's bit in a mask is `1 << client`. A mask is no client: `Client.Migration` is CODE's. */
export const ALL_CLIENTS = 7;

const NAMES = ['VGA', 'CODE', 'MIGRATION'] as const;

export function clientName(client: number): string {
  return NAMES[client] ?? String(client);
}

export function checkClient(operation: string, client: unknown): Client {
  if (typeof client !== 'number') throw wrongType(operation, 'client', client, 'a number');
  if (client !== 0 && client !== 1 && client !== 2) throw outOfRange(operation, 'client', client, '0, 1 or 2');
  return client;
}

export function checkMask(operation: string, mask: unknown): number {
  if (typeof mask !== 'number') throw wrongType(operation, 'mask', mask, 'a number');
  if (!Number.isInteger(mask) || mask < 1 || mask > ALL_CLIENTS) {
    throw outOfRange(operation, 'mask', mask, `a mask of clients from 1 to ${ALL_CLIENTS}`);
  }
  return mask;
}

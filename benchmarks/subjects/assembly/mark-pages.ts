// Marks the pages of a list with the listing of docs/abi.md: one or eight pages in each iteration of the loop.
import { block0, block1, block2, isDirty, isDirtyForAll, mark, pages } from './mark';
export { attach } from './mark';

/** The first page of the only bitmap block, which covers all RAM. */
const FIRST: u32 = 0;

const MIGRATION: u32 = 1 << 2;
const ALL: u32 = 7;

@inline
function markMigration(page: u32, count: u32, block: u32): void {
  if (!isDirty(page, FIRST, count, block)) mark(page, MIGRATION);
}

@inline
function markAll(page: u32, count: u32, vga: u32, code: u32, migration: u32): void {
  if (!isDirtyForAll(page, FIRST, count, vga, code, migration)) mark(page, ALL);
}

export function oneClient(at: u32, end: u32): void {
  const count = pages;
  const block = block2;
  for (; at < end; at += 4) markMigration(load<u32>(at), count, block);
}

export function oneClientInRows(at: u32, end: u32): void {
  const count = pages;
  const block = block2;
  for (; at < end; at += 32) {
    markMigration(load<u32>(at), count, block);
    markMigration(load<u32>(at, 4), count, block);
    markMigration(load<u32>(at, 8), count, block);
    markMigration(load<u32>(at, 12), count, block);
    markMigration(load<u32>(at, 16), count, block);
    markMigration(load<u32>(at, 20), count, block);
    markMigration(load<u32>(at, 24), count, block);
    markMigration(load<u32>(at, 28), count, block);
  }
}

export function threeClients(at: u32, end: u32): void {
  const count = pages;
  const vga = block0;
  const code = block1;
  const migration = block2;
  for (; at < end; at += 4) markAll(load<u32>(at), count, vga, code, migration);
}

export function threeClientsInRows(at: u32, end: u32): void {
  const count = pages;
  const vga = block0;
  const code = block1;
  const migration = block2;
  for (; at < end; at += 32) {
    markAll(load<u32>(at), count, vga, code, migration);
    markAll(load<u32>(at, 4), count, vga, code, migration);
    markAll(load<u32>(at, 8), count, vga, code, migration);
    markAll(load<u32>(at, 12), count, vga, code, migration);
    markAll(load<u32>(at, 16), count, vga, code, migration);
    markAll(load<u32>(at, 20), count, vga, code, migration);
    markAll(load<u32>(at, 24), count, vga, code, migration);
    markAll(load<u32>(at, 28), count, vga, code, migration);
  }
}

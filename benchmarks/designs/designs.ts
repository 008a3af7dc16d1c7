/** The designs to compare, by name. */
import { blockMessages } from './block-messages.js';
import type { Design } from './design.js';
import { dirtymem } from './dirtymem.js';
import { privateBitmaps } from './private-bitmaps.js';
import { readLock } from './read-lock.js';
import { stopTheWorld } from './stop-the-world.js';

export const DESIGNS = {
  dirtymem,
  'read-lock': readLock,
  'stop-the-world': stopTheWorld,
  'block-messages': blockMessages,
  'private-bitmaps': privateBitmaps,
} as const satisfies Record<string, Design>;

export type DesignName = keyof typeof DESIGNS;

export const DESIGN_NAMES = Object.keys(DESIGNS) as DesignName[];

/** The browsers that specs run in. */
import type { Browser } from './browser.js';
import { chromium } from './chromium.js';
import { firefox } from './firefox.js';
import { webkit, webkitAsItComes } from './webkit.js';

export const BROWSERS: readonly Browser[] = [chromium, firefox, webkit, webkitAsItComes];

/** @returns the browser that BROWSER names, which `npm run check:browsers` sets; else those that need no screen */
export function browsersForSpecs(): readonly Browser[] {
  const { BROWSER } = process.env;
  if (BROWSER === undefined) return [chromium, firefox];
  return BROWSERS.filter(({ id }) => id === BROWSER);
}

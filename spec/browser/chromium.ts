/** The Chromium that the specs drive, where there is one. */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type BrowserContext, chromium } from 'playwright-core';
import { makeTemporaryFolder, removeTemporaryFolder } from '../../lib/stress/temporary-folder.js';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];
const ELSEWHERE = [
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
];

/** Quiet, and good for a container: no sandbox of its own, no GPU, nothing fetched. */
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** @returns the path in CHROMIUM, which must then be right, or that of the first one in the usual places */
export function findChromium(): string | undefined {
  const { CHROMIUM, PATH = '' } = process.env;
  if (CHROMIUM !== undefined && CHROMIUM !== '') return CHROMIUM;
  const inPath = PATH.split(delimiter).flatMap((folder) => NAMES.map((name) => join(folder, name)));
  // The last is where `npx playwright-core install chromium` puts one.
  return [...inPath, ...ELSEWHERE, chromium.executablePath()].find((path) => existsSync(path));
}

export class Chromium {
  readonly context: BrowserContext;
  private readonly profile: string;

  private constructor(context: BrowserContext, profile: string) {
    this.context = context;
    this.profile = profile;
  }

  static async launch(executablePath: string): Promise<Chromium> {
    const profile = makeTemporaryFolder('chromium');
    const context = await chromium.launchPersistentContext(profile, {
      executablePath,
      headless: true,
      args: ARGUMENTS,
    });
    return new Chromium(context, profile);
  }

  async close(): Promise<void> {
    await this.context.close();
    removeTemporaryFolder(this.profile);
  }
}

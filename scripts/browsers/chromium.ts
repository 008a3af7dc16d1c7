/** Chromium, by playwright-core. */
import { type BrowserContext, type Page, chromium as playwright } from 'playwright-core';
import { makeTemporaryFolder, removeTemporaryFolder } from '../../lib/stress/temporary-folder.js';
import type { Browser, OpenPage } from './browser.js';
import { findExecutable } from './executable.js';

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

const SCREENSHOT_MS = 120_000;

// The last is where `npx playwright-core install chromium` puts one.
const find = () => findExecutable('CHROMIUM', NAMES, [...ELSEWHERE, playwright.executablePath()]);

export class ChromiumPage implements OpenPage {
  /** All that playwright can do with it. */
  readonly page: Page;
  readonly version: string;
  private readonly context: BrowserContext;
  private readonly profile: string;
  private readonly errors: string[] = [];

  private constructor(context: BrowserContext, page: Page, profile: string) {
    this.context = context;
    this.page = page;
    this.profile = profile;
    this.version = `Chromium ${context.browser()?.version()}`;
    page.on('pageerror', (error) => this.errors.push(error.stack ?? error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') this.errors.push(message.text());
    });
  }

  static async open(): Promise<ChromiumPage> {
    const executablePath = find();
    if (executablePath === undefined) throw new Error('there is no Chromium');
    const profile = makeTemporaryFolder('chromium');
    const options = { executablePath, headless: true, args: ARGUMENTS };
    const context = await playwright.launchPersistentContext(profile, options);
    return new ChromiumPage(context, await context.newPage(), profile);
  }

  async goto(url: string): Promise<void> {
    await this.page.goto(url);
  }

  evaluate<T>(expression: string): Promise<T> {
    return this.page.evaluate<T>(expression);
  }

  async takeErrors(): Promise<string[]> {
    return this.errors.splice(0);
  }

  async resize(width: number, height: number): Promise<void> {
    await this.page.setViewportSize({ width, height });
  }

  async screenshot(path: string): Promise<void> {
    await this.page.screenshot({ path, fullPage: true, timeout: SCREENSHOT_MS });
  }

  async close(): Promise<void> {
    await this.context.close();
    removeTemporaryFolder(this.profile);
  }
}

export const chromium: Browser = {
  id: 'chromium',
  name: 'Chromium',
  sharedMemory: 'isolated',
  privateFiles: true,
  handlePlaces: { 'a broadcast channel': 'is null' },
  missing: () =>
    find() === undefined
      ? 'install the package chromium, run npx playwright-core install chromium, or set CHROMIUM to the path of one'
      : undefined,
  launch: () => ChromiumPage.open(),
};

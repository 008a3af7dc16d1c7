/** A page in Chromium, by playwright-core. */
import type { Page } from 'playwright-core';
import { Chromium } from '../chromium.js';
import type { OpenPage } from './open-page.js';

const SCREENSHOT_MS = 120_000;

export class ChromiumPage implements OpenPage {
  readonly errors: string[] = [];
  private readonly browser: Chromium;
  private readonly page: Page;

  static async open(executable: string): Promise<ChromiumPage> {
    const browser = await Chromium.launch(executable);
    return new ChromiumPage(browser, await browser.context.newPage());
  }

  private constructor(browser: Chromium, page: Page) {
    this.browser = browser;
    this.page = page;
    page.on('pageerror', (error) => this.errors.push(error.stack ?? error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') this.errors.push(message.text());
    });
  }

  async goto(url: string): Promise<void> {
    await this.page.goto(url);
  }

  evaluate<T>(expression: string): Promise<T> {
    return this.page.evaluate<T>(expression);
  }

  async resize(width: number, height: number): Promise<void> {
    await this.page.setViewportSize({ width, height });
  }

  async screenshot(path: string): Promise<void> {
    await this.page.screenshot({ path, fullPage: true, timeout: SCREENSHOT_MS });
  }

  async close(): Promise<void> {
    await this.browser.close();
  }
}

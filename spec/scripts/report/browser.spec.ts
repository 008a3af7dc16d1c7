/** The reports in a real browser: at three widths, light and dark, and by keyboard. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { makeTemporaryFolder, removeTemporaryFolder } from '../../../lib/stress/temporary-folder.js';
import { ChromiumPage, chromium } from '../../../scripts/browsers/chromium.js';
import { DARK, LIGHT } from '../../../scripts/pictures/palette.js';
import { stressPage } from '../../../scripts/report/stress-page.js';

import { itLong } from '../../support/long.js';
import { FAILED, RUN } from './fake-run.js';

const WIDTHS = [375, 820, 1400];
const PAGES = { passed: stressPage(RUN), failed: stressPage(FAILED) };

describe('A report in Chromium', () => {
  let browser: ChromiumPage;
  let folder: string;
  before(async function () {
    if (chromium.missing() !== undefined) return this.skip();
    folder = makeTemporaryFolder('report');
    for (const [name, page] of Object.entries(PAGES)) writeFileSync(join(folder, `${name}.html`), page);
    browser = await ChromiumPage.open();
  });
  after(async () => {
    await browser?.close();
    if (folder !== undefined) removeTemporaryFolder(folder);
  });

  for (const name of Object.keys(PAGES)) {
    itLong(`of a run that ${name} is legible at every width, in both schemes, and on paper`, async () => {
      const page = await browser.page.context().newPage();
      const faults: string[] = [];
      page.on('console', (message) => faults.push(message.text()));
      page.on('pageerror', (error) => faults.push(error.message));
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme, media: 'screen' });
        for (const width of WIDTHS) {
          await page.setViewportSize({ width, height: 800 });
          await page.goto(pathToFileURL(join(folder, `${name}.html`)).href);
          const seen = await page.evaluate(() => ({
            beyond: document.documentElement.scrollWidth - innerWidth,
            ground: getComputedStyle(document.body).backgroundColor,
            hidden: [...document.querySelectorAll('figure svg')].filter(
              (svg) => svg.getBoundingClientRect().height < 40,
            ).length,
          }));
          expect(seen, `${width} wide, ${colorScheme}`).to.deep.equal({
            ...{ beyond: 0, hidden: (await page.locator('.key svg').count()) as number },
            ground: rgb(colorScheme === 'light' ? LIGHT.paper : DARK.paper),
          });
        }
      }
      await page.emulateMedia({ colorScheme: 'dark', media: 'print' });
      const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      expect(ground, 'on paper').to.equal(rgb(LIGHT.paper));
      expect(faults).to.deep.equal([]);
      await page.close();
    });
  }

  itLong('can be read by keyboard: links, tables that scroll, and values that unfold', async () => {
    const page = await browser.page.context().newPage();
    await page.setViewportSize({ width: 375, height: 800 });
    await page.goto(pathToFileURL(join(folder, 'failed.html')).href);
    const reached = new Set<string>();
    for (let i = 0; i < 60; i++) {
      await page.keyboard.press('Tab');
      reached.add(await page.evaluate(() => document.activeElement?.tagName ?? ''));
    }
    expect([...reached]).to.include.members(['A', 'PRE', 'DIV', 'SUMMARY']);
    await page.locator('summary').last().focus();
    await page.keyboard.press('Enter');
    expect(await page.locator('details[open]').count()).to.be.above(1);
    await page.close();
  });
});

function rgb(colour: string): string {
  return `rgb(${[1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16)).join(', ')})`;
}

/** The live page in real browsers: it runs, plugs, rewinds, saves, holds time, and shows what a planted bug loses. */
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import type { OpenPage } from '../../../scripts/browsers/browser.js';
import { chromium } from '../../../scripts/browsers/chromium.js';
import { firefox } from '../../../scripts/browsers/firefox.js';
import { PageServer } from '../../../scripts/page/server.js';

const SCREENSHOTS = fileURLToPath(new URL('../../../.cache/screenshots/', import.meta.url));
const LOOK_EVERY_MS = 100;
const WIDTHS = [1280, 820, 375];

/** Each with the lanes that meet where it loses a store. */
const BUGS = {
  'harvest-without-grace-period': /owner$/,
  'free-without-grace-period': /owner$/,
  'mark-by-load-and-store': /^hart\d and (hart\d|owner)$/,
};

/** Elements that somebody can use, and that have nothing to be called by. */
const NAMELESS = `[...document.querySelectorAll('button, input, select, canvas')]
  .filter((used) => !used.textContent.trim() && !used.getAttribute('aria-label') && !used.labels?.[0]?.textContent.trim())
  .map((used) => used.outerHTML)`;

/** Counts in `window.read` what a screen reader would read aloud without being asked. */
const LISTEN = `(() => {
  window.read = [];
  for (const live of document.querySelectorAll('[aria-live], [role=status], [role=alert], [role=log], output')) {
    if (live.getAttribute('aria-live') === 'off') continue;
    new MutationObserver(() => window.read.push(live.id + ': ' + live.textContent))
      .observe(live, { childList: true, characterData: true, subtree: true });
  }
})()`;

for (const browser of [chromium, firefox]) {
  const missing = browser.missing();
  const title = `The live page in ${browser.name}`;

  describe(missing === undefined ? title : `${title} (NOT RUN, for there is none: ${missing})`, () => {
    let server: PageServer;
    let page: OpenPage;

    before(async function () {
      if (missing !== undefined) this.skip();
      page = await browser.launch();
    });
    afterEach('a picture of a failure is kept', async function () {
      if (this.currentTest?.state !== 'failed') return;
      mkdirSync(SCREENSHOTS, { recursive: true });
      const file = `${SCREENSHOTS}${browser.name}-${this.currentTest.title.replace(/\W+/g, '-')}.png`;
      await page.screenshot(file);
      console.error(`      kept ${file}`);
    });
    afterEach('no error went to the console', async () => expect(await page.takeErrors()).to.deep.equal([]));
    after(() => page?.close());

    const text = (selector: string): Promise<string> =>
      page.evaluate(`document.querySelector(${JSON.stringify(selector)}).textContent`);
    const number = async (selector: string): Promise<number> => Number(await text(selector));
    const isSo = (expression: string): Promise<boolean> => page.evaluate(`!!(${expression})`);
    const until = async (look: () => Promise<boolean>): Promise<void> => {
      while (!(await look())) await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    };
    const click = (selector: string): Promise<void> =>
      page.evaluate(`document.querySelector(${JSON.stringify(selector)}).click()`);
    const running = (): Promise<void> => until(() => isSo(`!document.querySelector('#run').disabled`));
    const oneMoreRound = async (): Promise<void> => {
      const before = (await number('#rounds')) || 0; // nothing is said before the first figures
      await until(async () => (await number('#rounds')) > before);
    };

    describe('where it is not isolated', () => {
      before(async () => {
        server = await PageServer.start({ port: 0, isolated: false });
      });
      after(() => server?.stop());

      it('says what is missing, and starts nothing @long', async () => {
        await page.goto(server.url);
        await until(() => isSo(`document.querySelector('#panels .missing')`));
        expect(await text('#panels')).to.contain('Cross-Origin-Opener-Policy: same-origin');
        expect(await isSo(`document.querySelector('#run').disabled`)).to.equal(true);
      });
    });

    describe('where it is isolated', () => {
      before(async () => {
        server = await PageServer.start({ port: 0, isolated: true });
        await page.resize(WIDTHS[0] as number, 900);
        await page.goto(`${server.url}?harts=2`);
      });
      after(() => server?.stop());

      it('runs, draws and prints @long', async () => {
        await running();
        await until(async () => (await text('#printed')).includes('hart 1: 0 rounds'));
        await oneMoreRound();
        const colours = `new Set(new Uint32Array(document.querySelector('#screen').getContext('2d').getImageData(0, 0, 320, 200).data.buffer)).size`;
        await until(() => isSo(`${colours} > 8`));
        await until(async () => (await text('#periods-said')).includes('p99'));
        await until(async () => (await text('#audit-said')).includes('the copy has had every store'));
      });

      it('has a name for everything that can be used, and no wider than the window @long', async () => {
        expect(await page.evaluate(NAMELESS)).to.deep.equal([]);
        for (const width of WIDTHS) {
          await page.resize(width, 900);
          const wide = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
          await until(async () => (await page.evaluate<number>(wide)) === 0);
        }
        await page.resize(WIDTHS[0] as number, 900);
      });

      it('reads nothing aloud by itself, and the page that the arrow keys lead to @long', async () => {
        await page.evaluate(LISTEN);
        const [compared, states] = [await text('#audit-said'), await text('#rewind-said')];
        await until(async () => (await text('#audit-said')) !== compared && (await text('#rewind-said')) !== states);
        expect(await page.evaluate('window.read')).to.deep.equal([]);
        await page.evaluate(
          `document.querySelector('#map').dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowRight' }))`,
        );
        await until(() => isSo('window.read.length > 0'));
        expect(await page.evaluate('window.read.join()')).to.match(/^page-told: Page 1 /);
      });

      it('plugs and unplugs a DIMM while it runs @long', async () => {
        const labelled = (what: string): Promise<boolean> =>
          isSo(`[...document.querySelectorAll('.dimm')].some((dimm) => dimm.textContent === '${what} DIMM 1')`);
        await click('.dimm:nth-child(2)');
        await until(() => labelled('Unplug'));
        await oneMoreRound();
        await click('.dimm:nth-child(2)');
        await until(() => labelled('Plug'));
        await oneMoreRound();
        expect(await number('#wrong')).to.equal(0);
      });

      it('pauses, slows, kills and restarts a hart, and the other one runs on @long', async () => {
        const state = (which: string) => () =>
          isSo(`document.querySelector('[data-hart="1"]').dataset.state === '${which}'`);
        await click('[data-hart="1"] .pause');
        await until(state('paused'));
        await oneMoreRound();
        await click('[data-hart="1"] .pause');
        await until(state('runs'));
        const slow = `(() => { const pace = document.querySelector('[data-hart="1"] select'); pace.value = '100'; pace.dispatchEvent(new Event('change')); })()`;
        await page.evaluate(slow);
        await click('[data-hart="1"] .kill');
        await until(state('dead'));
        await oneMoreRound();
        await click('[data-hart="1"] .kill');
        await until(state('runs'));
        await oneMoreRound();
        expect(await number('#wrong')).to.equal(0);
      });

      it('goes back to a state of before, and runs on from there @long', async () => {
        await until(() => isSo(`document.querySelector('#rewind').max >= 2`));
        const before = await number('#rounds');
        const first = `(() => { const slider = document.querySelector('#rewind'); slider.value = 0; slider.dispatchEvent(new Event('input')); })()`;
        await page.evaluate(first);
        await until(() => isSo(`!document.querySelector('#go-on').disabled`));
        await until(async () => (await number('#rounds')) < before);
        await click('#go-on');
        await until(() => isSo(`document.querySelector('#go-on').disabled`));
        await oneMoreRound();
        expect(await number('#wrong')).to.equal(0);
        await until(async () => (await text('#audit-said')).includes('the copy has had every store'));
      });

      it("saves a state to the browser's own files, and restores it @long", async () => {
        await click('#save');
        await until(async () => (await text('#saved-said')).startsWith('Saved'));
        await until(() => isSo(`!document.querySelector('#restore').disabled`));
        await click('#restore');
        await until(async () => (await text('#saved-said')).startsWith('Restored: ram, '));
        await oneMoreRound();
        expect(await number('#wrong')).to.equal(0);
      });

      it('holds time, and steps from grace period to grace period @long', async () => {
        await click('#freeze');
        await click('#step-back');
        await until(async () => /^Grace period \d+ took .* waited for /.test(await text('#step-said')));
        const told = await text('#step-said');
        await click('#step-back');
        await until(async () => (await text('#step-said')) !== told);
        await click('#freeze');
        expect(await text('#step-said')).to.equal('');
      });

      for (const [bug, met] of Object.entries(BUGS)) {
        it(`shows the pages that ${bug} loses, and who met @long`, async () => {
          await click(`input[value="${bug}"]`);
          await until(async () => (await text('#status')).endsWith(`: ${bug}.`));
          await running();
          await until(() => isSo(`document.querySelector('#lost tbody tr')`));
          expect(await text('#audit-said')).to.match(/ [1-9]\d* pages were lost/);
          expect(await text('#lost tbody tr td:last-child')).to.match(met);
          await click('#lost tbody tr td:first-child button');
          await until(async () => (await text('#page-said')).startsWith('Page '));
          await click('#lost tbody tr td:last-child button');
          await until(async () => (await text('#freeze')) === 'Go on');
        });
      }

      it('runs without the bug again @long', async () => {
        await click('input[name="bug"][value=""]');
        await until(async () => (await text('#status')) === 'The machine runs.');
        await oneMoreRound();
        await until(async () => (await text('#audit-said')).includes('the copy has had every store'));
      });
    });
  });
}

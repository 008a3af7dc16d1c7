import { expect } from 'chai';
import type { Page } from 'playwright-core';
import { codeBlocks } from '../../scripts/code-blocks.js';
import { Chromium, findChromium } from './chromium.js';
import type * as scenarios from './scenarios.js';
import { SourceServer } from './source-server.js';

type Scenarios = typeof scenarios;
type Result<Name extends keyof Scenarios> = Awaited<ReturnType<Scenarios[Name]>>;

const executable = findChromium();
const title = 'the engine in Chromium';
const missing =
  'NOT RUN, for there is none: install the package chromium, run npx playwright-core install chromium, ' +
  'or set CHROMIUM to the path of one';

const doors = { dirtymem: '/lib/index.js', 'dirtymem/vcpu': '/lib/vcpu.js' };
const shown = new Map(
  codeBlocks(new URL('../../docs/browsers.md', import.meta.url), doors).map(({ file, code }) => [
    `/shown/${file}`,
    code,
  ]),
);

describe(executable === undefined ? `${title} (${missing})` : title, () => {
  let browser: Chromium;

  before(async function () {
    if (executable === undefined) this.skip();
    browser = await Chromium.launch(executable);
  });
  after(() => browser?.close());

  /** A page, and what runs scenarios in it. */
  function open(isolated: boolean, modules?: ReadonlyMap<string, string>) {
    let server: SourceServer;
    let page: Page;
    const errors: Error[] = [];

    before(async () => {
      server = await SourceServer.start(isolated, modules);
      page = await browser.context.newPage();
      page.on('pageerror', (error) => errors.push(error));
      await page.goto(server.url);
    });
    after(async () => {
      await page?.close();
      await server?.stop();
    });
    afterEach('no error went uncaught', () => expect(errors.splice(0)).to.deep.equal([]));

    const run = <Name extends keyof Scenarios>(name: Name, ...of: Parameters<Scenarios[Name]>): Promise<Result<Name>> =>
      page.evaluate(`import('/spec/browser/scenarios.js').then((module) => module.${name}(...${JSON.stringify(of)}))`);
    /** Until the module has run to its end. */
    const load = (path: string): Promise<void> => page.evaluate(`import('${path}').then(() => {})`);
    return { run, load };
  }

  describe('in a page that is cross-origin isolated, its main thread the owner, vCPUs in module workers', () => {
    const { run, load } = open(true, shown);

    it('has the shared memory of a browser, and nothing of Node', async () => {
      expect(await run('environment')).to.deep.equal({
        crossOriginIsolated: true,
        SharedArrayBuffer: 'function',
        process: 'undefined',
        setImmediate: 'undefined',
      });
    });

    for (const [choice, kernel, loop] of [
      ['auto', 'wasm', 'storeAndMark'],
      ['auto', 'wasm', 'markThenStore'],
      ['atomics', 'atomics', 'markThenStore'],
    ] as const) {
      it(`misses no store, with the kernel ${kernel} and vCPUs that all the time ${loop}`, async () => {
        const { rounds, due, ...rest } = await run('lostUpdates', choice, loop);
        expect(rest).to.deep.equal({ kernel, missing: [], differing: [] });
        expect(rounds).to.be.at.least(40);
        expect(due).to.be.at.least(5000);
      });
    }

    it('is seen to miss stores when its harvests do not wait for the grace period', async () => {
      const { missing: lost } = await run('lostUpdates', 'auto', 'markThenStore', 'harvest-without-grace-period');
      expect(lost).to.not.be.empty;
    });

    it('plugs and unplugs RAM beside vCPUs that mark', async () => {
      expect(await run('hotplug')).to.deep.equal({
        missing: [],
        announced: new Array(30).fill(2 ** 14),
        plugs: 31,
        unplugs: 30,
        shrinks: 30,
      });
    });

    for (const options of [{ name: 'doomed', identity: 4711 }, { name: 'doomed' }]) {
      const known =
        options.identity === undefined ? 'that the thread has drawn and told' : 'that the page has given it';
      it(`retires a thread that was terminated within an interval, by the identity ${known}`, async () => {
        const { identity, timeout, rounds, after: end, ...rest } = await run('termination', options);
        if (options.identity !== undefined) expect(identity).to.equal(options.identity);
        expect(timeout?.name).to.equal('GracePeriodTimeout');
        expect(timeout?.readers).to.deep.equal([{ name: 'doomed', identity, slot: 0, online: true, local: false }]);
        expect(rest).to.deep.equal({ attached: 1, retired: [1, 0], collected: [3] });
        expect(end, 'the thread does nothing any more').to.deep.equal({ rounds, attached: 0 });
      });
    }

    for (const compress of [false, true]) {
      it(`saves states to the browser's private files${compress ? ', compressed' : ''}, and restores them`, async () => {
        const { files, ...rest } = await run('saveStates', compress);
        expect(rest).to.deep.equal({
          each: [true, true, true, true],
          compacted: true,
          after: true,
          noFiles: 'fileStore: there is no file system here; in a browser use opfsStore',
        });
        expect(files).to.have.length(2);
        for (const file of files) expect(file).to.match(/^2-\d+\.states$/);
      });
    }

    it('runs the page of docs/browsers.md', () => load('/shown/page.mjs'));

    it('refuses to supervise a worker that no event says the end of', async () => {
      expect(await run('superviseWorker')).to.include({ name: 'TypeError' });
    });

    it('reports who stalls it, and has a vCPU that listens hurry', async () => {
      const { stalls, kicks } = await run('stallAndKick');
      for (const { readers } of stalls) expect(readers).to.have.length(1).with.nested.property('[0].name', 'slow');
      expect(kicks).to.be.at.least(1);
    });

    it('gives waits up in time, by signal, and at once where it would have to block, and loses nothing', async () => {
      const { failures, later } = await run('timeouts');
      for (const name of ['harvest', 'synchronize', 'close'] as const) {
        expect(failures[name]?.name).to.equal('GracePeriodTimeout');
        expect(failures[name]?.message).to.contain(name).and.to.contain("'slow' (identity 7, slot 0)");
      }
      expect(failures.abort).to.deep.equal({ name: 'Error', message: 'enough' });
      expect(failures.blocking?.name).to.equal('TypeError');
      expect(later).to.deep.equal([
        [5, 6, 7],
        [5, 6, 7],
      ]);
    });
  });

  describe('in a page that is not isolated', () => {
    const { run } = open(false);

    it('has no shared memory', async () => {
      expect(await run('environment')).to.include({ crossOriginIsolated: false, SharedArrayBuffer: 'undefined' });
    });

    for (const [choice, kernel] of [
      ['auto', 'wasm'],
      ['atomics', 'atomics'],
    ] as const) {
      it(`says what the page lacks, and works on one thread, with the kernel ${kernel}`, async () => {
        const { shared, sent, ...rest } = await run('oneThread', choice);
        expect(shared?.name).to.equal('NoSharedMemoryError');
        expect(shared?.message)
          .to.contain('Cross-Origin-Opener-Policy: same-origin')
          .and.to.contain('Cross-Origin-Embedder-Policy: require-corp')
          .and.to.contain('shared: false');
        expect(sent?.name).to.equal('DataCloneError');
        expect(rest).to.deep.equal({ kernel, added: 200, turned: [4, 0], pages: [7], shrinks: 1 });
      });
    }
  });
});

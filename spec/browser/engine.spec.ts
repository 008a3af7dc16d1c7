/** The engine in pages of real browsers. What must hold is the same in all of them. */
import { expect } from 'chai';
import type { OpenPage } from '../../scripts/browsers/browser.js';
import { browsersForSpecs } from '../../scripts/browsers/browsers.js';
import { SourceServer } from '../../scripts/browsers/source-server.js';
import { codeBlocks } from '../../scripts/code-blocks.js';
import { itLong } from '../support/long.js';
import type * as scenarios from './scenarios.js';

type Scenarios = typeof scenarios;
type Result<Name extends keyof Scenarios> = Awaited<ReturnType<Scenarios[Name]>>;

const doors = { dirtymem: '/lib/index.js', 'dirtymem/vcpu': '/lib/vcpu.js' };
const shown = new Map(
  codeBlocks(new URL('../../docs/browsers.md', import.meta.url), doors).map(({ file, code }) => [
    `/shown/${file}`,
    code,
  ]),
);

/** What becomes of a handle where a page sends it, as the standards have it. */
const HANDLE_PLACES = {
  'a worker': 'arrives',
  'a frame of the same origin': 'arrives',
  'a broadcast channel': 'arrives',
  'a shared worker': 'is lost',
  'a service worker': 'is lost',
  structuredClone: 'arrives',
  history: 'DataCloneError',
  IndexedDB: 'DataCloneError',
};

for (const browser of browsersForSpecs()) {
  const missing = browser.missing();

  describe(`The engine in ${browser.name}${missing === undefined ? '' : ` (NOT RUN, for there is none: ${missing})`}`, () => {
    let page: OpenPage;

    before(async function () {
      if (missing !== undefined) this.skip();
      page = await browser.launch();
    });
    after(() => page?.close());

    const { sharedMemory, privateFiles } = browser;

    /** Opens a page for the tests that follow. @returns what runs scenarios in it */
    function open(isolated: boolean, modules?: ReadonlyMap<string, string>) {
      let server: SourceServer;

      before(async () => {
        server = await SourceServer.start(isolated, modules);
        await page.goto(server.url);
      });
      after(() => server?.stop());
      afterEach('no error went uncaught', async () => expect(await page.takeErrors()).to.deep.equal([]));

      const run = <Name extends keyof Scenarios>(
        name: Name,
        ...of: Parameters<Scenarios[Name]>
      ): Promise<Result<Name>> =>
        page.evaluate(
          `import('/spec/browser/scenarios.js').then((module) => module.${name}(...${JSON.stringify(of)}))`,
        );
      /** Until the module has run to its end. */
      const load = (path: string): Promise<void> => page.evaluate(`import('${path}').then(() => {})`);
      return { run, load };
    }

    if (sharedMemory !== 'never')
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
          const define = options.identity === undefined ? itLong : it;
          define(`retires a thread that was terminated within an interval, by the identity ${known}`, async () => {
            const { identity, timeout, rounds, after: end, ...rest } = await run('termination', options);
            if (options.identity !== undefined) expect(identity).to.equal(options.identity);
            expect(timeout?.name).to.equal('GracePeriodTimeout');
            expect(timeout?.readers).to.deep.equal([{ name: 'doomed', identity, slot: 0, online: true, local: false }]);
            expect(rest).to.deep.equal({ attached: 1, retired: [1, 0], collected: [3] });
            expect(end, 'the thread does nothing any more').to.deep.equal({ rounds, attached: 0 });
          });
        }

        if (privateFiles)
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
        else {
          it('has no private files, so that saving states to them is not tested', async () => {
            expect(await page.evaluate('typeof navigator.storage?.getDirectory')).to.equal('undefined');
          });
        }

        it('runs the page of docs/browsers.md', () => load('/shown/page.mjs'));

        it('can send its handle to workers, and into no store', async () => {
          expect(await run('handlePlaces')).to.deep.equal({ ...HANDLE_PLACES, ...browser.handlePlaces });
        });

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

    if (sharedMemory !== 'always')
      describe('in a page without shared memory', () => {
        const withheld = sharedMemory === 'never';
        const { run } = open(withheld);

        it('has no shared memory', async () => {
          expect(await run('environment')).to.include({
            crossOriginIsolated: withheld,
            SharedArrayBuffer: 'undefined',
          });
        });

        for (const [choice, kernel] of [
          ['auto', 'wasm'],
          ['atomics', 'atomics'],
        ] as const) {
          it(`says what the page lacks, and works on one thread, with the kernel ${kernel}`, async () => {
            const { shared, sent, ...rest } = await run('oneThread', choice);
            expect(shared?.name).to.equal('NoSharedMemoryError');
            const missing = withheld
              ? ['this browser withholds']
              : ['Opener-Policy: same-origin', 'Embedder-Policy: require-corp'];
            for (const words of [...missing, 'shared: false']) expect(shared?.message).to.contain(words);
            expect(sent?.name).to.equal('DataCloneError');
            expect(rest).to.deep.equal({ kernel, added: 200, turned: [4, 0], pages: [7], shrinks: 1 });
          });
        }
      });
  });
}

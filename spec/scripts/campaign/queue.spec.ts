/** Campaigns over a real server, whose workers, connections and server itself are killed. */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { buildOf } from '../../../lib/stress/campaign/build.js';
import { ResultsFile } from '../../../lib/stress/campaign/results-file.js';
import { parseRun } from '../../../lib/stress/campaign/run.js';
import { Registry } from '../../../scripts/campaign/queue/registry.js';
import { Server } from '../../../scripts/campaign/queue/server.js';
import { BUILD, resultOf } from '../../support/campaign-results.js';
import { runCommand } from '../../support/command-line.js';
import { itLong } from '../../support/long.js';
import { REDIS } from '../../support/redis-server.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import { Scene, soon, until } from './scene.js';

const SEEDS = [1, 2, 3, 9];

describe('A campaign over a queue', () => {
  let scene: Scene;

  before(function () {
    if (REDIS !== undefined) return;
    console.log('    SKIPPED: there is no redis-server here, so nothing of the queue is tested');
    this.skip();
  });
  afterEach(() => scene?.end());

  it('has one result of each run, though a worker is killed in mid-run, and two producers want it', async () => {
    scene = await Scene.set(SEEDS);
    scene.hold(1, 'A1');
    const first = scene.worker('A1', { leaseSeconds: 1 });
    const producers = [scene.producer('one'), scene.producer('two')];
    await until(() => scene.count('began', 1, 'A1') === 1);
    first.child.kill('SIGKILL');
    scene.worker('A2', { leaseSeconds: 1, jobs: 2 });
    for (const { ended, said } of producers) expect(await ended, said()).to.equal(0);
    expect(scene.faults()).to.deep.equal([]);
    expect(scene.count('ended', 1, 'A1')).to.equal(0);
    const failed = scene.results('one').filter(({ verdict }) => verdict === 'fail');
    expect(failed.map(({ found, plan }) => [found, plan.seed])).to.deep.equal([['lost-update', 9]]);
    for (const { host, report } of scene.results('two')) {
      expect(host).to.have.all.keys('name', 'cpu', 'cores', 'architecture', 'kernel', 'node', 'v8');
      expect(report).to.include({ by: 'A2' });
    }
  });

  itLong('does each run once while nothing goes wrong, however many workers and producers there are', async () => {
    scene = await Scene.set(Array.from({ length: 30 }, (_, i) => i + 1));
    scene.worker('A1', { jobs: 2 });
    scene.worker('A2', { jobs: 2 });
    for (const { ended, said } of [scene.producer('one'), scene.producer('two')]) {
      expect(await ended, said()).to.equal(0);
    }
    expect(scene.faults()).to.deep.equal([]);
    for (let seed = 1; seed <= 30; seed++) expect(scene.count('began', seed), `seed ${seed}`).to.equal(1);
  });

  itLong('gives a run back when its worker is told to end, at once and not when its lease ends', async () => {
    scene = await Scene.set(SEEDS);
    scene.hold(1, 'A1');
    const first = scene.worker('A1', { jobs: 4 });
    const producer = scene.producer('one');
    await until(() => scene.count('began', 1) === 1);
    first.child.kill('SIGTERM');
    expect(await first.ended, first.said()).to.equal(0);
    scene.worker('A2');
    expect(await producer.ended, producer.said()).to.equal(0);
    expect(scene.faults()).to.deep.equal([]);
    expect(scene.count('began', 1, 'A2')).to.equal(1);
  });

  itLong('loses nothing when the server is killed in mid-run and started again', async () => {
    scene = await Scene.set(SEEDS);
    scene.hold(1, 'A1');
    scene.hold(2, 'A1');
    scene.worker('A1', { leaseSeconds: 2, jobs: 2 });
    const producer = scene.producer('one');
    await until(() => scene.count('began', 1) === 1 && scene.count('began', 2) === 1);
    await scene.server.kill();
    scene.release(1, 'A1');
    await until(() => scene.count('ended', 1) === 1); // its result has nowhere to go
    await scene.server.begin();
    scene.release(2, 'A1');
    expect(await producer.ended, producer.said()).to.equal(0);
    expect(scene.faults()).to.deep.equal([]);
  });

  itLong('loses nothing when the server has lost all that it had', async () => {
    scene = await Scene.set(SEEDS);
    scene.hold(1, 'A1');
    scene.worker('A1', { leaseSeconds: 1 });
    const producer = scene.producer('one');
    await until(() => scene.count('began', 1) === 1);
    await scene.server.killAndForget();
    await scene.server.begin();
    scene.release(1, 'A1');
    expect(await producer.ended, producer.said()).to.equal(0);
    expect(scene.faults()).to.deep.equal([]);
  });

  itLong('takes the result of who has the lease, and not of a worker that was cut off', async () => {
    scene = await Scene.set(SEEDS);
    const proxy = await TcpProxy.to(scene.server.port);
    try {
      scene.hold(1, 'A1');
      const first = scene.worker('A1', { url: `redis://127.0.0.1:${proxy.port}`, leaseSeconds: 1 });
      const producer = scene.producer('one');
      await until(() => scene.count('began', 1, 'A1') === 1);
      proxy.cut();
      scene.worker('A2', { leaseSeconds: 1 });
      await until(() => scene.count('ended', 1, 'A2') === 1);
      scene.release(1, 'A1');
      await until(() => scene.count('ended', 1, 'A1') === 1);
      proxy.mend();
      expect(await producer.ended, producer.said()).to.equal(0);
      await until(() => first.said().includes('again'));
      expect(scene.faults()).to.deep.equal([]);
      const [result] = scene.results('one').filter(({ plan }) => plan.seed === 1);
      expect(result?.report).to.include({ by: 'A2' });
    } finally {
      proxy.close();
    }
  });

  itLong('is refused by a worker of another build, which says so', async () => {
    scene = await Scene.set(SEEDS);
    const producer = scene.producer('one');
    await until(() => producer.said().includes('done 0'));
    const other = scene.worker('B1', { build: 'B' });
    expect(await other.ended, other.said()).to.equal(2);
    expect(other.said()).to.include('this is build B of dirtymem, and the queue has runs for A only');
    scene.worker('A1', { jobs: 4 });
    expect(await producer.ended, producer.said()).to.equal(0);
    expect(scene.faults()).to.deep.equal([]);
  });

  itLong('refuses jobs that are no runs, and goes on', async () => {
    scene = await Scene.set(SEEDS);
    const server = await Server.connect(scene.server.url, () => {});
    const queue = server.queueOf('A');
    try {
      for (const data of [null, { kind: 'rm', plan: {} }, { kind: 'stress', plan: { seed: 5 }, graceSeconds: 'no' }]) {
        await queue.add('a job', data);
      }
      scene.worker('A1');
      const producer = scene.producer('one');
      expect(await producer.ended, producer.said()).to.equal(0);
      expect(scene.faults()).to.deep.equal([]);
      const reasons = (await queue.getFailed()).map(({ failedReason }) => JSON.parse(failedReason));
      const refused = reasons.filter(({ found }) => found === 'refused').map(({ detail }) => detail);
      expect(refused).to.have.length(3);
      expect(refused.join()).to.include('kind must be one of').and.to.include('graceSeconds must be a number');
      expect(scene.begun()).not.to.include(5);
    } finally {
      await queue.close();
      server.close();
    }
  });

  itLong('keeps builds apart whose campaigns are the same', async () => {
    scene = await Scene.set(SEEDS);
    const producers = [scene.producer('of-A', 'A'), scene.producer('of-B', 'B')];
    await until(() => producers.every(({ said }) => said().includes('done 0')));
    scene.worker('A1', { build: 'A' });
    scene.worker('B1', { build: 'B' });
    for (const { ended, said } of producers) expect(await ended, said()).to.equal(0);
    expect(scene.faults()).to.deep.equal([]);
    for (const seed of SEEDS) expect(scene.count('began', seed), `seed ${seed}`).to.equal(2);
  });

  itLong('lets a worker end that is told to, though its server is away', async () => {
    scene = await Scene.set(SEEDS);
    scene.hold(1, 'A1');
    const first = scene.worker('A1');
    scene.producer('one');
    await until(() => scene.count('began', 1) === 1);
    await scene.server.kill();
    first.child.kill('SIGTERM');
    expect(await first.ended, first.said()).to.equal(0);
    expect(scene.count('ended', 1)).to.equal(0);
  });

  itLong('ends, and does not pass, when a run is lost because its workers died one after the other', async () => {
    scene = await Scene.set([1, 2]);
    const html = join(scene.folder, 'page.html');
    const queue = ['--queue', scene.server.url];
    const campaign = ['campaign', scene.campaign, ...queue, '--html', html];
    const build = buildOf();
    let ended = false;
    const first = runCommand(campaign).finally(() => {
      ended = true;
    });
    for (let i = 1; !ended; i++) {
      const name = `A${i}`;
      scene.hold(1, name);
      const worker = scene.worker(name, { build, leaseSeconds: 1 });
      await until(() => ended || scene.count('began', 1, name) === 1);
      worker.child.kill('SIGKILL');
    }

    const { code, output } = await first;
    expect(code, output).to.equal(1);
    expect(output).to.include('lost: no worker ended the run').and.to.include('FAIL: 1 of 2 runs passed');
    // A worker that had no time to renew its lease counts as dead, too.
    expect(scene.count('began', 1), 'nobody takes it a seventh time').to.be.within(2, 6);
    const results = () =>
      scene.results('campaign.results').map(({ plan, found, host }) => [plan.seed, found, host.name]);
    expect(results()).to.have.deep.members([
      [1, 'lost', hostname()],
      [2, undefined, hostname()],
    ]);
    expect(readFileSync(html, 'utf8'))
      .to.match(/<p class="verdict fail">1 of 2 runs failed</)
      .and.to.match(/>lost: 1</);
    const status = await runCommand(['campaign', 'status', ...queue]);
    expect(status.output).to.match(/│ 2 of 2 │ 0 +│ 1 +│/);

    scene.worker('B1', { build });
    const again = await runCommand(campaign);
    expect(again.code, again.output).to.equal(0);
    expect(results()).to.have.length(3).and.to.deep.include([1, undefined, hostname()]);
  });

  itLong('shrinks a run by its workers, who do that before the runs that wait', async () => {
    scene = await Scene.set([1, 2]);
    const queue = ['--queue', scene.server.url];
    const run = parseRun('stress', { vcpus: 8, seconds: 60, faults: true, seed: 9 });
    const failed = join(scene.folder, 'failed.jsonl');
    const file = new ResultsFile(failed, [run], BUILD);
    file.append({ ...resultOf(run), verdict: 'fail', found: 'lost-update' });
    file.close();
    const server = await Server.connect(scene.server.url, () => {});
    const build = buildOf();
    const waiting = async (count: number): Promise<void> => {
      while ((await new Registry(server).jobIds(build)).waiting.length !== count) await soon();
    };
    try {
      scene.hold(1, 'A1');
      scene.worker('A1', { build });
      const campaign = runCommand(['campaign', scene.campaign, ...queue]);
      await until(() => scene.count('began', 1) === 1);
      await waiting(1);
      const shrinking = runCommand(['campaign', 'shrink', failed, '--tries', '1', ...queue]);
      await waiting(2);
      scene.release(1, 'A1');
      const { code, output } = await shrinking;
      expect(code, output).to.equal(0);
      expect(output).to.match(/^repeat: npm run stress -- --vcpus 1 --seconds 5 --seed 9$/m);
      expect((await campaign).code).to.equal(0);
      expect(scene.begun().slice(0, 2)).to.deep.equal([1, 9]);
      const status = await runCommand(['campaign', 'status', ...queue]);
      expect(status.output, 'nothing of the search is left').not.to.include('shrink');
    } finally {
      server.close();
    }
  });
});

/** Campaigns over a real server, whose workers, connections and server itself are killed. */
import { expect } from 'chai';
import { itLong } from '../../support/long.js';
import { REDIS } from '../../support/redis-server.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import { Scene, until } from './scene.js';

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
    await until(() => scene.count('began', 1) === 0);
    const other = scene.worker('B1', { build: 'B' });
    expect(await other.ended, other.said()).to.equal(2);
    expect(other.said()).to.include('this is build B of dirtymem, and the queue has runs for A only');
    scene.worker('A1', { jobs: 4 });
    expect(await producer.ended, producer.said()).to.equal(0);
    expect(scene.faults()).to.deep.equal([]);
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
});

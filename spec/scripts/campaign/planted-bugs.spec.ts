/** Each bug that is planted into the campaigns over a queue is found by the judge that the specs of the queue use. */
import { expect } from 'chai';
import type { Mutant } from '../../mutants/mutant.js';
import { itLong } from '../../support/long.js';
import { REDIS } from '../../support/redis-server.js';
import { PLANTED } from './planted-bugs.js';
import { Scene, type Started, until } from './scene.js';

const SEEDS = [1, 2];
/** Of a campaign that would end in one or two, and never does. */
const BUDGET_MS = 15_000;

describe('A planted bug of the campaigns over a queue', () => {
  let scene: Scene;

  before(function () {
    if (REDIS === undefined) this.skip();
  });
  afterEach(() => scene?.end());

  const set = async (mutant: Mutant): Promise<Scene> => {
    scene = await Scene.set(SEEDS, mutant);
    return scene;
  };
  const ended = async ({ ended: end, said }: Started): Promise<void> => expect(await end, said()).to.equal(0) as never;

  itLong(`is found: ${PLANTED.appendedWhateverComes.description}`, async () => {
    await set(PLANTED.appendedWhateverComes);
    scene.worker('A1');
    await ended(scene.producer('one', 'A', { TWICE: 'yes' }));
    expect(scene.faults()).to.include('one: the run of seed 1 has 2 results');
  });

  itLong('is not there when each result comes twice to what is shipped', async () => {
    scene = await Scene.set(SEEDS);
    scene.worker('A1');
    await ended(scene.producer('one', 'A', { TWICE: 'yes' }));
    expect(scene.faults()).to.deep.equal([]);
  });

  itLong(`is found: ${PLANTED.otherBuildsCount.description}`, async () => {
    await set(PLANTED.otherBuildsCount);
    scene.worker('A1');
    await ended(scene.producer('one', 'A'));
    expect(scene.faults()).to.deep.equal([]);
    await ended(scene.producer('one', 'B'));
    expect(scene.faults()).to.include('one: the run of seed 1 has 0 results');
  });

  itLong(`is found: ${PLANTED.keyWithoutBuild.description}`, async () => {
    await set(PLANTED.keyWithoutBuild);
    const producers = [scene.producer('of-A', 'A'), scene.producer('of-B', 'B')];
    await until(() => producers.every(({ said }) => said().includes('done 0')));
    scene.worker('B1', { build: 'B' });
    await Promise.all(producers.map(ended));
    expect(scene.faults()).to.include('of-A: no run of seed 1 has ended, and it has a result');
  });

  itLong(`is found: ${PLANTED.keyWithProducer.description}`, async () => {
    await set(PLANTED.keyWithProducer);
    scene.worker('A1');
    await Promise.all([scene.producer('one'), scene.producer('two')].map(ended));
    expect(scene.count('began', 1)).to.equal(2);
  });

  itLong(`is found: ${PLANTED.acknowledgedFirst.description}`, async () => {
    await set(PLANTED.acknowledgedFirst);
    scene.hold(1, 'A1');
    scene.worker('A1');
    await ended(scene.producer('one'));
    expect(scene.faults()).to.include('one: no run of seed 1 has ended, and it has a result');
  });

  itLong(`is found: ${PLANTED.notGivenBack.description}`, async () => {
    await set(PLANTED.notGivenBack);
    scene.hold(1, 'A1');
    const first = scene.worker('A1');
    const producer = scene.producer('one');
    await until(() => scene.count('began', 1) === 1);
    first.child.kill('SIGTERM');
    await first.ended;
    scene.worker('A2');
    await ended(producer);
    expect(scene.faults().join()).to.include('seed 1 was lost: no worker ended the run: stopped');
  });

  itLong(`is found: ${PLANTED.neverRestored.description}`, async () => {
    await set(PLANTED.neverRestored);
    scene.hold(1, 'A1');
    scene.worker('A1');
    const producer = scene.producer('one');
    await until(() => scene.count('began', 1) === 1);
    await scene.server.killAndForget();
    await scene.server.begin();
    scene.release(1, 'A1');
    await until(() => producer.said().includes('again'));
    await Promise.race([producer.ended, new Promise((resolve) => setTimeout(resolve, BUDGET_MS))]);
    expect(scene.faults()).to.include('one: the run of seed 2 has 0 results');
  });
});

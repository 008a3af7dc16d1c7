import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { parseCampaign, readCampaign } from '../../lib/stress/campaign/campaign-file.js';
import { KINDS } from '../../lib/stress/campaign/kinds.js';
import { parseRun } from '../../lib/stress/campaign/run.js';
import { SCENARIOS } from '../interleaving/scenarios/catalogue.js';

function commands(campaign: unknown): string[] {
  return parseCampaign(campaign).runs.map(({ repeat }) => repeat.replace('npm run stress -- ', ''));
}

describe('a campaign file', () => {
  it('that is empty is one run as it is without one', () => {
    expect(parseCampaign({})).to.include({ parallel: 1, graceSeconds: 120 });
    expect(commands({})).to.deep.equal(['--vcpus 4 --seconds 10 --seed 1']);
  });

  it('is every combination of its values with every seed, one seed after another', () => {
    expect(commands({ vcpus: [2, 8], faults: [false, true], seconds: 5, seeds: 2 })).to.deep.equal([
      '--vcpus 2 --seconds 5 --seed 1',
      '--vcpus 2 --seconds 5 --seed 1 --faults',
      '--vcpus 8 --seconds 5 --seed 1',
      '--vcpus 8 --seconds 5 --seed 1 --faults',
      '--vcpus 2 --seconds 5 --seed 2',
      '--vcpus 2 --seconds 5 --seed 2 --faults',
      '--vcpus 8 --seconds 5 --seed 2',
      '--vcpus 8 --seconds 5 --seed 2 --faults',
    ]);
  });

  it('takes a value or a list for every dimension, and seeds by number or by name', () => {
    const campaign = { pageSize: 1, pagesPerBlock: [1024], kernel: ['wasm', 'atomics'], seeds: [0, 77] };
    expect(commands(campaign)).to.deep.equal([
      '--vcpus 4 --seconds 10 --seed 0 --page-size 1 --pages-per-block 1024 --kernel wasm',
      '--vcpus 4 --seconds 10 --seed 0 --page-size 1 --pages-per-block 1024 --kernel atomics',
      '--vcpus 4 --seconds 10 --seed 77 --page-size 1 --pages-per-block 1024 --kernel wasm',
      '--vcpus 4 --seconds 10 --seed 77 --page-size 1 --pages-per-block 1024 --kernel atomics',
    ]);
  });

  it('that comes with the sources takes an hour, and varies every dimension', () => {
    const { runs, parallel } = readCampaign(
      fileURLToPath(new URL('../../scripts/campaigns/hour.json', import.meta.url)),
    );
    const seconds = runs.reduce((sum, run) => sum + run.seconds, 0) / parallel;
    expect(seconds).to.be.within(2_000, 3_600);
    for (const dimension of ['vcpus', 'pageSize', 'pagesPerBlock', 'kernel', 'faults', 'seed'] as const) {
      expect(new Set(runs.map(({ plan }) => plan[dimension])).size, dimension).to.be.above(1);
    }
  });

  it('that comes with the sources for a night on ten machines has runs of every kind', () => {
    const { runs } = readCampaign(fileURLToPath(new URL('../../scripts/campaigns/night.json', import.meta.url)));
    const hours = runs.reduce((sum, run) => sum + run.seconds, 0) / 3600 / 10;
    expect(hours).to.be.within(5, 10);
    expect(new Set(runs.map(({ kind }) => kind))).to.have.all.keys(Object.keys(KINDS));
    const scenarios = runs.flatMap(({ kind, plan }) => (kind === 'interleavings' ? [`${plan.scenario}`] : []));
    expect([...new Set(scenarios)].filter((name) => !Object.hasOwn(SCENARIOS, name))).to.deep.equal([]);
  });

  it('runs no combination twice', () => {
    expect(commands({ vcpus: [2, 2], seeds: [5, 5] })).to.deep.equal(['--vcpus 2 --seconds 10 --seed 5']);
  });

  it('plants faults where a planted bug shows only with them', () => {
    expect(commands({ sabotage: 'dead-reader-never-retired' })).to.deep.equal([
      '--vcpus 4 --seconds 10 --seed 1 --faults --sabotage dead-reader-never-retired',
    ]);
  });

  it('has runs of every kind, each by its own command', () => {
    const all = Object.keys(KINDS).map((kind) => parseCampaign({ kind, seeds: [3] }).runs[0]?.repeat);
    expect(all).to.deep.equal([
      'npm run stress -- --vcpus 4 --seconds 10 --seed 3',
      'npm run migrate-demo -- --ram 4 --vcpus 2 --dirty-rate 2000 --faults --seconds 60 --seed 3',
      'npm run litmus -- --rounds 1000000 --seed 3',
      'npm run check:interleavings -- --only mark-against-harvest --model sc --strategy pct --depth 3 --schedules 10000 --seed 3',
      'npm run mutate -- --sample 10 --seed 3',
    ]);
  });

  it('has parts, of several kinds, whose seeds take turns', () => {
    const parts = [
      { vcpus: 2, seeds: 2 },
      { kind: 'litmus', rounds: 1000, seeds: [7] },
    ];
    expect(parseCampaign({ parts, parallel: 2 }).runs.map(({ kind, plan }) => [kind, plan.seed])).to.deep.equal([
      ['stress', 1],
      ['litmus', 7],
      ['stress', 2],
    ]);
  });

  it('gives runs that are the same when their plans come by another way', () => {
    for (const kind of Object.keys(KINDS)) {
      const [run] = parseCampaign({ kind }).runs;
      expect(parseRun(kind, JSON.parse(JSON.stringify(run?.plan)))).to.deep.equal(run);
    }
  });

  it('lets no plan that comes by another way have what its file could not', () => {
    for (const [kind, plan, part] of [
      ['rm', { seed: 1 }, 'kind must be one of'],
      ['stress', { seed: 1, json: '/etc/passwd' }, "'json'"],
      ['stress', { seed: 1, vcpus: '4; reboot' }, 'vcpus must be a number'],
      ['stress', { vcpus: 4 }, 'seed must be a number'],
      ['interleavings', { seed: 1, scenario: '--replay' }, 'scenario must be a name'],
      ['mutation', { seed: 1, only: '../../x.ts' }, 'only must be a source file'],
      ['litmus', null, 'a plan must be an object'],
    ] as const) {
      expect(() => parseRun(kind, plan), part).to.throw(part);
    }
  });

  it('of too many runs is refused before they are made', () => {
    const list = (length: number): number[] => Array.from({ length }, (_, i) => i + 1);
    expect(parseCampaign({ vcpus: list(100), seeds: 1000 }).runs).to.have.length(100_000);
    const large = { vcpus: list(200), seconds: list(1000), kernel: ['wasm', 'atomics'], seeds: 100_000 };
    expect(() => parseCampaign(large)).to.throw(
      'the number of runs (200 vcpus x 2 kernel x 1000 seconds x 100000 seeds) must be at most 100000, got 40000000000',
    );
  });

  it('that never ends is refused', function () {
    if (!existsSync('/dev/zero')) this.skip();
    expect(() => readCampaign('/dev/zero')).to.throw('/dev/zero: it is longer than 4194304 bytes');
  });

  const refused: readonly [campaign: unknown, ...parts: string[]][] = [
    [[], 'the file must be an object'],
    [null, 'the file must be an object', 'null'],
    [{ vcpu: 4 }, "'vcpu'", 'vcpus, pageSize'],
    [{ vcpus: 0 }, 'vcpus must be an integer from 1 to 256', '0'],
    [{ vcpus: [2, '4'] }, 'vcpus[1] must be a number', "'4'"],
    [{ vcpus: [] }, 'vcpus must have a value'],
    [{ vcpus: null }, 'vcpus must be a number', 'null'],
    [{ pageSize: [4096, 3] }, 'pageSize[1] must be a power of two', '3'],
    [{ pagesPerBlock: 131072 }, 'pagesPerBlock must be a power of two from 64 to 65536', '131072'],
    [{ kernel: 'native' }, 'kernel must be one of wasm, atomics', "'native'"],
    [{ faults: 1 }, 'faults must be one of false, true', '1'],
    [{ sabotage: ['nothing'] }, 'sabotage[0] must be one of', "'nothing'"],
    [{ seconds: 0 }, 'seconds must be above 0', '0'],
    [{ seconds: '5' }, 'seconds must be a number', "'5'"],
    [{ seeds: 0 }, 'seeds must be an integer from 1', '0'],
    [{ seeds: [-1] }, 'seeds[0] must be an integer from 0', '-1'],
    [{ parallel: 1.5 }, 'parallel must be an integer from 1 to 64', '1.5'],
    [{ graceSeconds: -1 }, 'graceSeconds must be above 0', '-1'],
    [{ seconds: 200_000, graceSeconds: 2_000_000 }, 'graceSeconds must be above 0, at most 100000', '2000000'],
    [{ seconds: 2_000_001 }, 'seconds must be above 0, at most 2000000', '2000001'],
    [{ seeds: 100_001 }, 'seeds must be an integer from 1 to 100000', '100001'],
    [{ sabotage: 'toString' }, 'sabotage must be one of', "'toString'"],
    [{ kind: 'nothing' }, 'kind must be one of stress, migrate-demo', "'nothing'"],
    [{ kind: 'litmus', vcpus: 4 }, "'vcpus'", 'rounds'],
    [{ parts: [] }, 'parts must have one'],
    [{ parts: {} }, 'parts must be a list'],
    [{ parts: [5] }, 'parts[0] must be an object'],
    [{ parts: [{}], vcpus: 4 }, 'beside parts', "'vcpus'"],
    [{ parts: [{ parallel: 2 }] }, "'parallel'"],
    [JSON.parse('{ "__proto__": { "vcpus": 0 } }'), "'__proto__'"],
  ];
  for (const [campaign, ...parts] of refused) {
    it(`is refused by name of the field: ${JSON.stringify(campaign)}`, () => {
      for (const part of parts) expect(() => parseCampaign(campaign)).to.throw(part);
    });
  }
});

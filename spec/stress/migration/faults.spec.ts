import { expect } from 'chai';
import { chooseFaults, FAULT_KINDS, type Fault, Faults, isPoint } from '../../../lib/stress/migration/faults.js';
import { Choices } from '../../../lib/stress/plan.js';

const ofSeeds = (seeds: number): readonly Fault[] =>
  [...Array(seeds).keys()].flatMap((seed) => chooseFaults(new Choices(seed)));

describe('The faults of a migration', () => {
  it('are those of the seed', () => {
    expect(chooseFaults(new Choices(9))).to.deep.equal(chooseFaults(new Choices(9)));
    expect(chooseFaults(new Choices(9))).not.to.deep.equal(chooseFaults(new Choices(10)));
  });

  it('are of every kind, and most wait for the switch-over', () => {
    const faults = ofSeeds(300);
    expect(new Set(faults.map(({ kind }) => kind))).to.have.all.keys(...FAULT_KINDS);
    const late = faults.filter(({ point }) => !['hello', 'plug', 'data', 'zero', 'taken'].includes(point));
    expect(late.length).to.be.above(faults.length / 2);
    expect(faults.every(({ point }) => isPoint(point))).to.equal(true);
  });

  it('make a source lose the other end where they wait for its claim', () => {
    for (const seed of Array(300).keys()) {
      const points = chooseFaults(new Choices(seed));
      if (!points.some(({ point }) => point.startsWith('source '))) continue;
      expect(points.some(({ kind, point }) => kind === 'link cut' && ['end', 'loaded'].includes(point))).to.equal(true);
    }
  });

  it('strike at their point, the time that is theirs, and once', async () => {
    const struck: string[] = [];
    const fault: Fault = { kind: 'source killed', point: 'data', nth: 2, part: 0 };
    const faults = new Faults([fault, { ...fault, kind: 'link cut', nth: 3, part: 0.5 }], async ({ kind }) => {
      struck.push(kind);
    });
    expect(await faults.at('data')).to.equal(undefined);
    expect(await faults.at('end')).to.equal(undefined);
    expect(struck).to.deep.equal([]);
    expect(await faults.at('data')).to.equal(undefined);
    expect(struck).to.deep.equal(['source killed']);
    expect(await faults.at('data')).to.equal(0.5);
    expect(await faults.at('data')).to.equal(undefined);
    expect(faults.struck.map(({ kind, inSwitchOver, inDoubt }) => [kind, inSwitchOver, inDoubt])).to.deep.equal([
      ['source killed', false, false],
      ['link cut', false, false],
    ]);
  });
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { type Explanation, explains, readExplanations } from '../../../scripts/mutate/explained.js';
import { type Mutant, mutantsOf } from '../../../scripts/mutate/mutants.js';
import { reportOf, textOf } from '../../../scripts/mutate/report.js';
import type { Result } from '../../../scripts/mutate/results.js';

const SOURCE = `
export class Counter {
  isSmall(value: number): boolean {
    return value < 100;
  }
}
`;

describe('the report of a mutation run', () => {
  const mutants = mutantsOf('lib/counter.ts', SOURCE);
  const survivor = mutants.find(({ operator }) => operator === 'boundary') as Mutant;
  const { file, scope, before, after } = survivor;
  const explanation: Explanation = { file, scope, before, after, reason: 'nobody counts so far' };

  const result = (mutant: Mutant): Result =>
    mutant === survivor
      ? { id: mutant.id, stage: 'near', verdict: 'survived', seconds: 1, evidence: '' }
      : {
          id: mutant.id,
          stage: 'near',
          verdict: 'killed',
          file: 'spec/a.spec.ts',
          title: 'a',
          seconds: 1,
          evidence: '',
        };

  it('shows each survivor with its line before and after, and counts the rest', () => {
    const report = reportOf(mutants.map((mutant) => ({ mutant, result: result(mutant), explanation: undefined })));
    expect(report.survivors.map(({ id }) => id)).to.deep.equal([survivor.id]);
    expect(textOf(report).split('\n')).to.deep.equal([
      `${survivor.id} lib/counter.ts:4 Counter.isSmall (boundary)`,
      '  - return value < 100;',
      '  + return value <= 100;',
      '',
      '2 mutants: 1 killed by a spec, 0 by the time limit, 0 by a crash; 0 explained; 1 survived',
    ]);
  });

  it('subtracts those that are explained, and says how many have not been run', () => {
    const explained = (mutant: Mutant) => (explains(explanation, mutant) ? explanation : undefined);
    const report = reportOf(mutants.map((mutant) => ({ mutant, result: undefined, explanation: explained(mutant) })));
    expect(report).to.include({ mutants: 2, explained: 1, left: 1, killed: 0 });
    expect(report.survivors).to.deep.equal([]);
    expect(textOf(report)).to.match(/; 1 explained; 0 survived; 1 left to run$/);
  });

  it('takes an explanation for no other file, function or change, and for one of several alike if it says which', () => {
    expect(explains(explanation, survivor)).to.equal(true);
    for (const other of [{ file: 'lib/a.ts' }, { scope: 'f' }, { before: 'x' }, { after: 'x' }, { nth: 1 }]) {
      expect(explains({ ...explanation, ...other }, survivor), JSON.stringify(other)).to.equal(false);
    }
  });
});

describe('the lists of explained mutants', () => {
  it('that come with the sources have a reason for each', () => {
    const folder = fileURLToPath(new URL('../../../scripts/mutate/explained', import.meta.url));
    for (const { reason } of readExplanations(folder)) expect(reason).to.match(/^[A-Z0-9].*\.$/);
  });

  it('are read whole, one after the other', () => {
    const reason = 'nobody counts so far';
    const changes = [
      { before: 'x', after: 'y' },
      { before: 'x', after: 'z', nth: 1 },
    ];
    const entry = { file: 'lib/a.ts', scope: 'f', reason, changes };
    expect(readLists({ 'a.json': [entry], 'b.json': [{ ...entry, file: 'lib/b.ts' }] })).to.deep.equal(
      ['lib/a.ts', 'lib/b.ts'].flatMap((file) => changes.map((change) => ({ file, scope: 'f', reason, ...change }))),
    );
  });

  const complete = { file: 'a', scope: '', reason: 'r', changes: [] };
  for (const [what, list, message] of [
    ['it is no array', {}, 'expected an array'],
    ['an entry is null', [null], "entry 0 of .*a.json: 'file' must be a string"],
    ['an entry lacks a field', [complete, { ...complete, reason: undefined }], "entry 1 of .*: 'reason' must be"],
    ['an entry has no changes', [{ ...complete, changes: undefined }], "'changes' of entry 0 must be an array"],
    [
      'a change lacks a field',
      [{ ...complete, changes: [{ before: 'b' }] }],
      "change 0 of entry 0 .*: 'after' must be",
    ],
  ] as const) {
    it(`are refused when ${what}`, () => {
      expect(() => readLists({ 'a.json': list })).to.throw(new RegExp(message));
    });
  }

  function readLists(lists: Readonly<Record<string, unknown>>): Explanation[] {
    const folder = mkdtempSync(join(tmpdir(), 'dirtymem-explained-'));
    try {
      for (const [name, list] of Object.entries(lists)) writeFileSync(join(folder, name), JSON.stringify(list));
      return readExplanations(folder);
    } finally {
      rmSync(folder, { recursive: true });
    }
  }
});

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

describe('the list of explained mutants', () => {
  it('that comes with the sources has a reason for each', () => {
    const path = fileURLToPath(new URL('../../../scripts/mutate/explained.json', import.meta.url));
    for (const { reason } of readExplanations(path)) expect(reason).to.match(/^[A-Z0-9].*\.$/);
  });

  it('is refused when an entry lacks a field', () => {
    const folder = mkdtempSync(join(tmpdir(), 'dirtymem-explained-'));
    try {
      const path = join(folder, 'explained.json');
      writeFileSync(path, '{}');
      expect(() => readExplanations(path)).to.throw('expected an array');
      writeFileSync(path, '[{ "file": "a", "scope": "", "before": "b", "after": "c" }]');
      expect(() => readExplanations(path)).to.throw("'reason' of entry 0 must be a string");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

import { expect } from 'chai';
import * as guest from '../../lib/guest/index.js';
import * as owner from '../../lib/index.js';
import * as migration from '../../lib/migration/index.js';
import * as saveStates from '../../lib/save-states/index.js';
import * as trace from '../../lib/trace/index.js';
import * as vcpu from '../../lib/vcpu.js';
import { publicOperations } from './public-operations.js';
import { operationsOf } from './public-surface.js';

/** Exported values that are no operations: what they are made with is the engine's business. */
const OTHERS = [
  'ALL_CLIENTS',
  'CODE',
  'MIGRATION',
  'VGA',
  'AddressSpaceError',
  'ArenaFullError',
  'CorruptionError',
  'GracePeriodTimeout',
  'MigrationError',
  'NoSharedMemoryError',
  'SaveStateError',
  'UsageError',
];

/** What parameters are called that are objects of options. */
const OF_OPTIONS = ['options', 'surface'];

describe('the operations that are tried with bad input', () => {
  const operations = [
    'index.ts',
    'vcpu.ts',
    'migration/index.ts',
    'save-states/index.ts',
    'guest/index.ts',
    'trace/index.ts',
  ].flatMap(operationsOf);

  it('are all that the doors offer, each with all of its parameters', () => {
    const tried = Object.entries(publicOperations).map(([name, { parameters }]) => `${name}/${parameters.length}`);
    expect(operations.map(([name, parameters]) => `${name}/${parameters.length}`)).to.have.members(tried);
  });

  it('have all their objects of options tried with names that are no options', () => {
    const objects = Object.entries(publicOperations).flatMap(([name, { parameters }]) =>
      parameters.flatMap(({ closed }, i) => (closed ? [`${name}/${i}`] : [])),
    );
    const named = operations.flatMap(([name, parameters]) =>
      parameters.flatMap((parameter, i) => (OF_OPTIONS.includes(parameter) ? [`${name}/${i}`] : [])),
    );
    expect(objects).to.have.members(named);
  });

  it('are of every value that the doors export', () => {
    const exported = new Set([owner, vcpu, migration, saveStates, guest, trace].flatMap(Object.keys));
    const tried = Object.keys(publicOperations).map((name) => name.split('.')[0] as string);
    const values = tried.filter((name) => exported.has(name));
    expect([...exported]).to.have.members([...OTHERS, ...new Set(values)]);
  });

  it('are told the clients by their bits alone, so that code with the numbers of before fails when it is imported', () => {
    for (const door of [owner, vcpu]) {
      const { VGA, CODE, MIGRATION, ALL_CLIENTS } = door;
      expect({ VGA, CODE, MIGRATION, ALL_CLIENTS }).to.deep.equal({ VGA: 1, CODE: 2, MIGRATION: 4, ALL_CLIENTS: 7 });
      expect(door).to.not.have.property('Client');
    }
  });

  it('leave out what is private or internal', () => {
    const names = operations.map(([name]) => name);
    expect(names).to.not.include.members(['DirtyMemory.mark', 'Rcu.step', 'PageSet.adopt']);
    expect(names).to.include.members([
      'Vcpu.quiescent',
      'RamList.[Symbol.iterator]',
      'DirtyMemory.create',
      'Migration.skip',
    ]);
  });
});

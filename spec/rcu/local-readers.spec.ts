import { expect } from 'chai';
import type { Arena } from '../../lib/arena/arena.js';
import {
  addLocalReader,
  endLocalIntervals,
  findLocalReader,
  type LocalReader,
  quiesceLocalReaders,
  removeLocalReader,
} from '../../lib/rcu/local-readers.js';
import { createArena } from '../support/hand-stepped.js';

describe('the readers on their owner’s thread', () => {
  let home: Arena;
  let told: string[];
  beforeEach(() => {
    home = createArena(4);
    told = [];
  });

  const reader = (name: string, state: Partial<LocalReader> = {}): LocalReader => ({
    home,
    slot: 0,
    name,
    identity: 0,
    online: true,
    inSection: false,
    reportForOwner: () => void told.push(`${name} reports`),
    endInterval: () => void told.push(`${name} ends`),
    ...state,
  });
  const names = (of: Arena): string[] => {
    const found: string[] = [];
    findLocalReader(of, ({ name }) => found.push(name) === 0);
    return found;
  };

  it('are known to their owner until they leave', () => {
    const [one, two] = [reader('one'), reader('two')];
    expect(names(home)).to.deep.equal([]);
    addLocalReader(one);
    addLocalReader(two);
    expect(names(home)).to.deep.equal(['one', 'two']);
    expect(findLocalReader(home, ({ name }) => name === 'two')).to.equal(two);
    expect(findLocalReader(home, ({ name }) => name === 'three')).to.equal(undefined);
    removeLocalReader(one);
    expect(names(home)).to.deep.equal(['two']);
  });

  it('are those of its engine only', () => {
    addLocalReader(reader('here'));
    expect(names(createArena(1))).to.deep.equal([]);
    const elsewhere = reader('elsewhere', { home: undefined });
    addLocalReader(elsewhere);
    removeLocalReader(elsewhere);
    expect(names(home)).to.deep.equal(['here']);
  });

  it('report, or end their intervals, for it while they are online and in no section', () => {
    quiesceLocalReaders(home);
    endLocalIntervals(home);
    expect(told, 'there is none').to.deep.equal([]);
    addLocalReader(reader('online'));
    addLocalReader(reader('section', { inSection: true }));
    addLocalReader(reader('offline', { online: false }));
    addLocalReader(reader('neither', { online: false, inSection: true }));
    quiesceLocalReaders(home);
    endLocalIntervals(home);
    expect(told).to.deep.equal(['online reports', 'online ends']);
  });
});

/**
 * What docs/uses.md says of a vCPU that hears by guest memory of a modification of code, and then looks whether the
 * page is dirty: the guest's release and acquire order the look behind the mark, or they do not.
 */
import { expect } from 'chai';
import type { Thread } from './checker/litmus.js';
import { Outcomes } from './checker/outcomes.js';

const [bit, code, flag] = [0, 1, 2];
const locations = { bit, code, flag };

/** A mark, a store to the page, and word of it; how the mark looks is `look`. */
const modify =
  (look: 'get' | 'load', turns: 'turned it' | 'found it turned'): Thread =>
  (m) => {
    const clear = m[look](bit) === 0;
    m.assume(clear === (turns === 'turned it'));
    if (clear) m.or(bit, 1);
    m.set(code, 1);
    m.store(flag, 1);
  };

const execute: Thread = (m) => {
  m.assume(m.load(flag) === 1);
  return { dirty: m.get(bit), code: m.get(code) };
};

const third: Thread = (m) => void m.or(bit, 1);

describe('a look behind a handshake of the guest', () => {
  const clean = (threads: Record<string, Thread>): boolean => {
    const found = new Outcomes({ locations, threads });
    expect(found.executions).to.be.above(0);
    expect(
      found.all.every((seen) => seen.code === 1),
      'guest memory',
    ).to.equal(true);
    return found.find(({ dirty }) => dirty === 0) !== undefined;
  };

  it('finds the page dirty when the mark of the one who tells turned it', () => {
    expect(clean({ modify: modify('get', 'turned it'), execute })).to.equal(false);
    expect(clean({ modify: modify('get', 'turned it'), execute, third })).to.equal(false);
  });

  it('has no promise of the language when that mark found it turned by a third: its look was plain', () => {
    expect(clean({ modify: modify('get', 'found it turned'), execute, third })).to.equal(true);
    expect(clean({ modify: modify('load', 'found it turned'), execute, third }), 'an atomic look').to.equal(false);
  });
});

import { expect } from 'chai';
import { readOptions } from '../../lib/base/options.js';
import { DirtyMemory, VGA } from '../../lib/index.js';
import { attachVcpu } from '../../lib/vcpu.js';
import { PAGE, smallEngine, stateOf } from '../support/engines.js';
import { expectReject, expectThrow } from '../support/refusals.js';

interface Options {
  readonly first?: number;
  readonly second?: string;
}

const names = { first: true, second: true } as const;

function read(options: object): Options {
  return readOptions<Options>('operation', options, names);
}

/** What an embedder may have: fields, accessors, a method of its own, and a base class. */
class Base {
  get second(): string {
    return 'of the base class';
  }
}
class Settings extends Base {
  readonly first = 1;
  save(): void {}
}

describe('an object of options', () => {
  it('may be of a class, frozen, without a prototype, or have its options from another object', () => {
    expect(read(new Settings())).to.deep.equal({ first: 1, second: 'of the base class' });
    expect(read(Object.freeze({ first: 2 }))).to.deep.equal({ first: 2 });
    expect(read(Object.assign(Object.create(null), { first: 3 }))).to.deep.equal({ first: 3 });
    expect(read(Object.create({ first: 4 }))).to.deep.equal({ first: 4 });
    expect(read(new Proxy({ first: 5 }, {}))).to.deep.equal({ first: 5 });
  });

  it('may have options that are undefined, which are those that are left out', () => {
    expect(read({ first: undefined, second: 'there' })).to.deep.equal({ second: 'there' });
  });

  it('is refused with a name that is no option, of its own or inherited, whatever its value', () => {
    for (const options of [{ frist: 1 }, { frist: undefined }, Object.create({ frist: 1 }), { first: 1, frist: 2 }]) {
      expectThrow(() => read(options), TypeError, "operation: unknown name 'frist' in options");
    }
  });

  it('that is in truth something else is refused with one of its names', () => {
    expectThrow(() => read(new AbortController().signal), TypeError, "unknown name 'aborted'");
    expectThrow(() => read([1]), TypeError, "unknown name '0'");
    expectThrow(() => read(JSON.parse('{ "__proto__": 1 }')), TypeError, "unknown name '__proto__'");
    expectThrow(() => read({ toString: () => '' }), TypeError, "unknown name 'toString'");
  });

  it('may have what nobody can mistake for an option: symbols, and what is not enumerable', () => {
    const options = Object.defineProperty({ [Symbol('mine')]: 1, first: 1 }, 'mine', { value: 2 });
    expect(read(options)).to.deep.equal({ first: 1 });
  });
});

describe('the message about an unknown option', () => {
  function messageOf(unknown: string): string {
    try {
      read({ [unknown]: 1 });
    } catch (error) {
      return (error as Error).message;
    }
    throw new Error('not refused');
  }

  it('lists the options that there are', () => {
    expect(messageOf('third')).to.contain("Known are 'first', 'second'");
  });

  it('asks whether the nearest was meant: another case, a slip, a part of it', () => {
    for (const slip of ['First', 'FIRST', 'frist', 'firs', 'first_', 'theFirst']) {
      expect(messageOf(slip)).to.contain("did you mean 'first'?");
    }
    expect(messageOf('secnod')).to.contain("did you mean 'second'?");
  });

  it('asks nothing when none is near', () => {
    for (const other of ['pages', 'x', '', 'f'.repeat(1_000_000)]) {
      expect(messageOf(other)).to.not.contain('did you mean');
    }
  });

  it('shows no more than the beginning of a long name', () => {
    expect(messageOf('f'.repeat(1_000_000))).to.have.length.below(300);
  });
});

describe('an unknown option of an engine', () => {
  it('is refused before anything has changed', async () => {
    const memory = smallEngine();
    const block = memory.ram.plug({ id: 'ram', size: 90 * PAGE });
    const before = stateOf(memory);
    expectThrow(() => DirtyMemory.create({ pagesize: 64 } as never), TypeError, 'create', "'pagesize'", "'pageSize'");
    const waits = { timeout: 5 } as never;
    const slip = ["'timeout'", "did you mean 'timeoutMs'?"];
    await expectReject(() => memory.harvest(VGA, waits), TypeError, 'harvest', ...slip);
    await expectReject(() => memory.track(VGA, waits), TypeError, 'track', ...slip);
    await expectReject(() => memory.syncBitmap(block, waits), TypeError, 'syncBitmap', ...slip);
    await expectReject(() => memory.close(waits), TypeError, 'close', ...slip);
    expectThrow(() => memory.ram.plug({ id: 'b', size: PAGE, used: 1 } as never), TypeError, 'plug', "'used'");
    expectThrow(() => attachVcpu(memory.handle, { nam: 'x' } as never), TypeError, 'attachVcpu', "'nam'", "'name'");
    expect(stateOf(memory)).to.deep.equal(before);
  });

  it('is refused, too, where another operation has it', () => {
    const memory = smallEngine();
    const { signal } = new AbortController();
    expectThrow(() => memory.rcu.synchronizeBlocking({ signal } as never), TypeError, "'signal'", "'timeoutMs'");
    const call = () => memory.whileStopped.harvest(VGA, { maxPages: 1 } as never);
    expectThrow(call, TypeError, 'whileStopped.harvest', "'maxPages'", "Known are 'into'");
  });
});

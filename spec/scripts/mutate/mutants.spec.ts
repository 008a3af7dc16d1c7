import { expect } from 'chai';
import { type Mutant, mutantsOf } from '../../../scripts/mutate/mutants.js';
import { sampleOf } from '../../../scripts/mutate/sample.js';

const mutate = (text: string): Mutant[] => mutantsOf('lib/x.ts', text);

/** The lines that the mutants of a function's body have in the place of its own. */
const become = (body: string, operator: string): string[] =>
  mutate(`function f(): number {\n${body}\n}`)
    .filter((mutant) => mutant.operator === operator)
    .map(({ after }) => after);

describe('the mutants of a source', () => {
  for (const [operator, body, ...mutated] of [
    ['boundary', 'f(a < b, a >= b);', 'f(a <= b, a >= b);', 'f(a < b, a > b);'],
    ['comparison', 'f(a === b);', 'f(a !== b);'],
    ['arithmetic', 'x += a - b * c;', 'x -= a - b * c;', 'x += a + b * c;', 'x += a - b / c;'],
    ['arithmetic', 'f(Math.min(-a, i++));', 'f(Math.max(-a, i++));', 'f(Math.min(a, i++));', 'f(Math.min(-a, i--));'],
    ['bits', 'x = (a & b) << c;', 'x = (a & b) >>> c;', 'x = (a | b) << c;'],
    ['bits', 'x = (a + b) | 0;', 'x = (a + b);'],
    ['logic', 'f(a && b);', 'f(a || b);'],
    ['operand', 'f(a ?? b);', 'f((a));', 'f((b));'],
    ['negation', 'if (a > b) f(); else g(a ? b : c);', 'if (!(a > b)) f(); else g(a ? b : c);'],
    ['negation', 'while (!done) f();', 'while (done) f();'],
    ['constant', 'f(0, 1, 64, true, FULL);', 'f(1, 1, 64, true, FULL);', 'f(0, 0, 64, true, FULL);'],
    ['returned', 'return x;', 'return 0;'],
    ['await', 'await f();', 'f();'],
    ['guard', 'if (a) throw b;', ';'],
    ['removed', 'a.b();\nx = c;', ';', ';'],
    ['swapped', 'words.store(a, 1);\nwords.notify(a);', 'words.notify(a); words.store(a, 1);'],
    ['weaker access', 'words.load(a);', 'words.get(a);'],
    ['weaker access', 'this.words.or(a, b);', '[this.words.get(a), this.words.set(a, this.words.get(a) | b)][0];'],
    ['weaker access', 'words.exchange(a, 0);', '[words.get(a), words.set(a, 0)][0];', 'words.get(a);'],
    ['weaker access', 'words.compareExchange(a, b, c);', '[words.get(a), words.get(a) === b && words.set(a, c)][0];'],
    ['other access', 'Atomics.or(a, b, c);', 'Atomics.xor(a, b, c);'],
  ] as const) {
    it(`by the operator '${operator}': ${body.replace('\n', ' ')}`, () => {
      expect(become(body, operator)).to.include.members([...mutated]);
    });
  }

  for (const [what, text] of [
    ['types', 'type A = 1 | 2; interface B { readonly c: 0 }; let d: [1];'],
    ['imports and exports from elsewhere', "import { A1 } from './a.js';\nexport { B1 } from './b.js';"],
    ['strings and templates', `const text = \`$\{a + 1}\` + "0";`],
    ['names of options', "const read = readOptions('plug', options, { size: true });"],
    ['messages of errors', 'export const make = () => new RangeError(f(1 + 2)); const b = () => outOfRange(a, 1 + 2);'],
  ] as const) {
    it(`leave ${what} alone`, () => {
      expect(mutate(text).filter(({ operator }) => operator !== 'removed')).to.deep.equal([]);
    });
  }

  it('leave the sign of an offset that is 0 alone', () => {
    expect(become('f(slot + Slot.State, slot + Slot.Kick);', 'arithmetic')).to.deep.equal([
      'f(slot + Slot.State, slot - Slot.Kick);',
    ]);
  });

  it('swap neither two plain accesses, nor a statement with one that needs what it declares', () => {
    expect(become('words.set(a, 1);\nwords.set(b, 2);', 'swapped')).to.deep.equal([]);
    expect(become('const x = words.load(a);\nwords.store(b, x);', 'swapped')).to.deep.equal([]);
  });

  it('say of a thrown error only that it is not thrown', () => {
    const found = mutate('function f() { if (a) { g(); throw new RangeError(b + 1); } }');
    expect(found.filter(({ after }) => after.includes('throw') && !after.includes('RangeError(b + 1)'))).to.deep.equal(
      [],
    );
    expect(found.map(({ after }) => after)).to.include('function f() { if (a) { g(); ; } }');
  });

  it('keep their ids when lines move and comments change, and lose them when their lines change', () => {
    const body = (comment: string, limit: string) =>
      `\n// ${comment}\nclass A {\n  f() {\n    g(a < ${limit}); // ${comment}\n  }\n}`;
    const ids = (text: string): string[] => mutate(text).map(({ id }) => id);
    expect(ids(`\n\n${body('new', 'b')}`)).to.deep.equal(ids(body('old', 'b')));
    expect(ids(body('old', 'c'))).not.to.have.members(ids(body('old', 'b')));
  });

  it('are told apart where the same line stands twice in a function, and name the function', () => {
    const found = mutate('class A {\n  f() {\n    g();\n    g();\n  }\n}');
    expect(found.map(({ scope, nth }) => [scope, nth])).to.deep.equal([
      ['A.f', 0],
      ['A.f', 1],
    ]);
    expect(new Set(found.map(({ id }) => id)).size).to.equal(2);
  });
});

describe('a sample of mutants', () => {
  const tasks = Array.from({ length: 100 }, (_, i) => ({ mutant: { id: `mutant ${i}` } }));

  it('is the same for the same seed, and another for another', () => {
    expect(sampleOf(tasks, 10, 1)).to.deep.equal(sampleOf(tasks, 10, 1));
    expect(sampleOf(tasks, 10, 1)).not.to.have.members(sampleOf(tasks, 10, 2));
  });

  it('keeps those that are left when others go', () => {
    const sample = sampleOf(tasks, 10, 1);
    const rest = tasks.filter((task) => task !== sample[0]);
    expect(sampleOf(rest, 9, 1)).to.deep.equal(sample.slice(1));
  });
});

/** Each word that docs/concepts.md defines is in docs/glossary.md, which has its words in the order of the alphabet. */
import { expect } from 'chai';
import { textOf } from '../../scripts/documents.js';

/** A definition has its word in bold. */
const defined = (text: string): string[] =>
  [...text.matchAll(/\*\*([\w-]+(?:\s[\w-]+)*)\*\*/g)].map(([, word = '']) => word);
const explained = (text: string): string[] =>
  [...text.matchAll(/^\| ([\w -]+(?:, [\w -]+)*) \|/gm)].flatMap(([, words = '']) => words.split(', ')).slice(2);

/** `attaches` is explained as `attach`, `RAM block` as it is. */
function lacking(words: readonly string[], glossary: readonly string[]): string[] {
  return words.filter(
    (word) => !glossary.some((entry) => [entry, `${entry}s`, `${entry}es`].includes(word.replace(/\s/g, ' '))),
  );
}

describe('The glossary', () => {
  const glossary = explained(textOf('docs/glossary.md'));

  it('has each word that the concepts define', () => {
    const words = defined(textOf('docs/concepts.md'));
    expect(words.length).to.be.above(20);
    expect(lacking(words, glossary)).to.deep.equal([]);
  });

  it('would be found to lack one', () => {
    expect(lacking(defined('A **page** and a\n**grace\nperiod** and a **gone word**'), glossary)).to.deep.equal([
      'gone word',
    ]);
  });

  it('is in the order of the alphabet', () => {
    const rows = [...textOf('docs/glossary.md').matchAll(/^\| ([\w -]+)/gm)].map(([, word = '']) =>
      word.toLowerCase().trim(),
    );
    const words = rows.slice(2);
    expect(words).to.deep.equal([...words].sort());
  });
});

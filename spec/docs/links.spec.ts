/** Every relative link of a document leads to a file that is there, and to a heading of it; so in the package. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, posix } from 'node:path';
import { expect } from 'chai';
import { anchorsOf, linksOf, PAGES, textOf } from '../../scripts/documents.js';

const ROOT = new URL('../../', import.meta.url);

/** @returns what is wrong with the links of a page. @param files what is in the package, as package.json says */
function brokenLinks(page: string, text: string, files: readonly string[]): string[] {
  return linksOf(text).flatMap(({ target, image, text: words }) => {
    const broken = (why: string): string[] => [`${page}: ${target} ${why}`];
    if (/^[a-z]+:/.test(target)) return target.startsWith('https://') ? [] : broken('is neither a file nor https');
    if (words.trim().length < (image ? 20 : 1)) return broken('has no words that say what it is');
    const [path = '', anchor] = target.split('#');
    const file = path === '' ? page : posix.join(dirname(page), path);
    if (!existsSync(new URL(file, ROOT))) return broken('does not exist');
    const drawn = file.endsWith('.svg') || file.startsWith('docs/screenshots/');
    if (image && !drawn) return broken('is no SVG');
    if (isPacked(page, files) && !isPacked(file, files)) return broken('is not in the package, and the page is');
    if (anchor === undefined) return [];
    const other = file === page ? text : readFileSync(new URL(file, ROOT), 'utf8');
    return anchorsOf(other).includes(anchor) ? [] : broken('names a heading that does not exist');
  });
}

function isPacked(file: string, files: readonly string[]): boolean {
  return files.some((pattern) => new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll('*', '[^/]*')}$`).test(file));
}

describe('The links of the documents', () => {
  const { files } = JSON.parse(textOf('package.json')) as { files: string[] };

  for (const page of PAGES) {
    it(`of ${page} lead somewhere`, () => {
      expect(brokenLinks(page, textOf(page), files)).to.deep.equal([]);
    });
  }

  it('lead from the README to every page', () => {
    const linked = linksOf(textOf('README.md')).map(({ target }) => target);
    expect(PAGES.filter((page) => page !== 'README.md' && !linked.includes(page))).to.deep.equal([]);
  });

  const planted = {
    'a file that does not exist': '[a page](docs/guide.md)',
    'a heading that does not exist': '[a section](docs/embedding.md#gone)',
    'a heading of the page itself that does not exist': '[a section](#gone)',
    'a file that is not in the package': '[a spec](spec/docs/links.spec.ts)',
    'a picture that nothing says what it shows': '![](docs/pictures/overview.svg)',
    'a link without encryption': '[elsewhere](http://example.org/)',
  };
  for (const [what, text] of Object.entries(planted)) {
    it(`would be found to lead to ${what}`, () => {
      expect(brokenLinks('README.md', `# Title\n\n${text}\n`, files)).to.have.length(1);
    });
  }

  it('are not looked for in code', () => {
    expect(linksOf('`[a](b)`\n\n```js\n[c](d)\n```\n')).to.deep.equal([]);
  });
});

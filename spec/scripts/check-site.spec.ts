import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { brokenSiteLinks } from '../../scripts/check-site.js';

describe('check-site', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'dirtymem-site-'));
    mkdirSync(join(folder, 'documents'));
    writeFileSync(join(folder, 'index.html'), '<h1 id="top">Title</h1>');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const linksOf = (html: string): string[] => {
    writeFileSync(join(folder, 'documents/page.html'), `<p id="here">${html}</p>`);
    return brokenSiteLinks(folder);
  };

  it('follows links to pages, to places in them, to files, and leaves the web alone', () => {
    writeFileSync(join(folder, 'a b.svg'), '');
    const good = ['../index.html', '../index.html#top', '#here', '../a%20b.svg', 'https://example.org/gone'];
    expect(linksOf(good.map((link) => `<a class="x" href="${link}">x</a>`).join(''))).to.deep.equal([]);
  });

  for (const link of ['gone.html', '../index.html#gone', '#gone', 'http://example.org/', '../documents']) {
    it(`finds the broken link ${link}`, () => {
      expect(linksOf(`<a href="${link}">x</a>`)).to.have.length(1);
      expect(linksOf(`<img src="${link}">`)).to.have.length(1);
    });
  }

  it('refuses a folder without pages', () => {
    expect(() => brokenSiteLinks(join(folder, 'documents'))).to.throw(/no pages/);
  });
});

/** The documents for people: what is in them beside their code blocks. */
import { readdirSync, readFileSync } from 'node:fs';
import GithubSlugger from 'github-slugger';
import MarkdownIt from 'markdown-it';

const ROOT = new URL('../', import.meta.url);
const markdown = new MarkdownIt();

/** Paths from the root of the repository. */
export const PAGES: readonly string[] = [
  'README.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  ...readdirSync(new URL('docs', ROOT))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

export function textOf(page: string): string {
  return readFileSync(new URL(page, ROOT), 'utf8');
}

export interface Link {
  /** As it stands in the document: a path from it, an anchor, both, or an address. */
  readonly target: string;
  readonly image: boolean;
  /** Of the link, or what is said of the picture. */
  readonly text: string;
}

/** The links and pictures of a text, without those in code. */
export function linksOf(text: string): Link[] {
  return markdown
    .parse(text, {})
    .flatMap(({ children }) => children ?? [])
    .flatMap((token, i, tokens): Link[] => {
      if (token.type === 'image') return [{ target: token.attrGet('src') ?? '', image: true, text: token.content }];
      if (token.type !== 'link_open') return [];
      return [{ target: token.attrGet('href') ?? '', image: false, text: tokens[i + 1]?.content ?? '' }];
    });
}

/** The anchors of a text's headings, as GitHub and the site make them. */
export function anchorsOf(text: string): string[] {
  const slugger = new GithubSlugger();
  const tokens = markdown.parse(text, {});
  return tokens.flatMap(({ type }, i) => {
    if (type !== 'heading_open') return [];
    const words = (tokens[i + 1]?.children ?? []).map(({ content }) => content).join('');
    return [slugger.slug(words)];
  });
}

/** What stands between backticks in a text, and not in a block of code. */
export function codeSpansOf(text: string): string[] {
  return markdown
    .parse(text, {})
    .flatMap(({ children }) => children ?? [])
    .filter(({ type }) => type === 'code_inline')
    .map(({ content }) => content);
}

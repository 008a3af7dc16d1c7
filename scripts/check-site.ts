/** `npm run site`, after typedoc: every link within the site leads to a page that is there, and to a place in it. */
import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const SITE = fileURLToPath(new URL('../site', import.meta.url));

/** @returns a message for each link that leads nowhere */
export function brokenSiteLinks(folder: string): string[] {
  const pages = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.html'));
  if (pages.length === 0) throw new Error(`${folder} has no pages`);
  const texts = new Map(pages.map((page) => [join(folder, page), readFileSync(join(folder, page), 'utf8')]));
  return [...texts].flatMap(([page, text]) =>
    [...text.matchAll(/<(?:a|img|link|script)\b[^>]*?\b(?:href|src)="([^"]*)"/g)].flatMap(([, link = '']) => {
      const why = faultOf(page, link.replaceAll('&amp;', '&'), texts);
      return why === undefined ? [] : [`${relative(folder, page)}: ${link} ${why}`];
    }),
  );
}

function faultOf(page: string, link: string, texts: ReadonlyMap<string, string>): string | undefined {
  if (/^(https|data):/.test(link)) return undefined;
  const [path = '', anchor] = link.split('#').map(decodeURIComponent);
  const file = path === '' ? page : join(dirname(page), path);
  if (!existsSync(file) || !statSync(file).isFile()) return 'leads to no file';
  if (anchor === undefined || anchor === '') return undefined;
  return texts.get(file)?.includes(`id="${anchor}"`) ? undefined : 'leads to no place in its page';
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const broken = brokenSiteLinks(SITE);
  for (const message of broken) console.log(message);
  if (broken.length > 0) process.exitCode = 1;
}

/** Has a browser measure itself, and prints what it found. */
import type { Browser, OpenPage } from './browser.js';
import type { engineCount, lockRelease } from './in-page/limits.js';
import type { measureMarks } from './in-page/marks.js';
import { SourceServer } from './source-server.js';

const CLIENTS = { 'three clients': [1, 2, 4], 'one client': [4] };
const ENGINES = [1, 2];

export async function measure(browser: Browser): Promise<void> {
  const page = await browser.launch();
  const server = await SourceServer.start(true);
  /** In a page that nothing has run in before, so that nothing else has shaped the compiled code. */
  const inNewPage = async <T>(call: string): Promise<Awaited<T>> => {
    await page.goto(`${server.url}?${call}`);
    return page.evaluate<Awaited<T>>(`import('/scripts/browsers/in-page/${call}`);
  };
  try {
    console.log(page.version);
    for (const [clients, list] of Object.entries(CLIENTS)) {
      for (const engines of ENGINES) {
        const call = `marks.js').then((m) => m.measureMarks(${engines}, ${JSON.stringify(list)}))`;
        const times = await inNewPage<ReturnType<typeof measureMarks>>(call);
        console.log(
          `  ${clients}, ${engines === 1 ? 'one engine' : `${engines} engines`} in the page:\n    ${shown(times)}`,
        );
      }
    }
    const ms = await inNewPage<ReturnType<typeof lockRelease>>(`limits.js').then((m) => m.lockRelease())`);
    console.log(`  lock of a busy worker free after terminate(): ${ms.toFixed(0)} ms`);
    const count = await inNewPage<ReturnType<typeof engineCount>>(`limits.js').then((m) => m.engineCount())`);
    console.log(`  engines alive at a time: ${count.engines}, stopped by ${count.stoppedBy}`);
    await throwErrors(page);
  } finally {
    await page.close();
    await server.stop();
  }
}

function shown(times: Record<string, number>): string {
  return Object.entries(times)
    .map(([name, time]) => `${name} ${time.toFixed(1)} ns`)
    .join('; ');
}

async function throwErrors(page: OpenPage): Promise<void> {
  const errors = await page.takeErrors();
  if (errors.length > 0) throw new Error(errors.join('\n'));
}

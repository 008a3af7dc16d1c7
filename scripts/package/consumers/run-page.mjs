// `run-page.mjs PAGE THREAD` runs the bundles of a page and of its thread in Node, on one thread, with substitutes for
// the browser's functions.
import assert from 'node:assert';

const [page, thread] = process.argv.slice(2);
const events = new EventTarget();
globalThis.addEventListener = events.addEventListener.bind(events);
await import(new URL(page, import.meta.url));
await import(new URL(thread, import.meta.url));
const runs = await globalThis.page.run(
  (data) =>
    new Promise((resolve) => {
      globalThis.postMessage = resolve;
      events.dispatchEvent(Object.assign(new Event('message'), { data }));
    }),
);
assert.deepStrictEqual(runs, [{ start: 8192, length: 4096 }]);
console.log('marked');

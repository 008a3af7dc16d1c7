/** What the browser or the server lacks, in words that say what to do. */

/** @returns nothing where the page can run */
export function whatIsMissing(): string[] {
  const missing: string[] = [];
  if (!isSecureContext) {
    missing.push('The page is served neither over https nor from localhost, so the browser gives it no shared memory.');
  } else if (!crossOriginIsolated) {
    missing.push(
      'The page is not cross-origin isolated, so it has no shared memory. The server has to send the headers ' +
        'Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp with the page and with ' +
        'the scripts of its workers, as npm run page does without --not-isolated.',
    );
  } else if (typeof SharedArrayBuffer === 'undefined') {
    missing.push('The browser has no SharedArrayBuffer, although the page is isolated.');
  }
  if (typeof WebAssembly === 'undefined') missing.push('The browser has no WebAssembly, which the harts are made of.');
  if (navigator.locks === undefined) {
    missing.push('The browser has no Web Locks, by which the page learns that a worker has ended.');
  }
  return missing;
}

/**
 * Deno, from its npm package: V8, and worker_threads whose `exit` event comes before the thread has ended. So the engine
 * refuses to supervise there, and with it the stress test does not run.
 */
import { join } from 'node:path';
import { installFromNpm, type Runtime, versionOf } from './runtime.js';

export const deno: Runtime = {
  name: 'deno',
  install() {
    const binary = join(installFromNpm('deno'), '.bin/deno');
    return { version: versionOf([binary]), command: [binary, 'run', '--allow-all'], forSpecs: [], env: process.env };
  },
  specs: [],
  lacks: [],
  stress: { refused: /UsageError: supervise: in Deno a worker's exit event may come seconds before its thread ends/ },
};

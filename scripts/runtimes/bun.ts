/** Bun, from its npm package: another engine (JavaScriptCore), and its own worker_threads. */
import { join } from 'node:path';
import { ENGINE_SPECS, installFromNpm, type Runtime, versionOf } from './runtime.js';

export const bun: Runtime = {
  name: 'bun',
  install() {
    const command: [string] = [join(installFromNpm('bun'), '.bin/bun')];
    return { version: `Bun ${versionOf(command)}`, command, forSpecs: [], env: process.env };
  },
  specs: [...ENGINE_SPECS],
  lacks: [
    {
      title: 'an engine of one thread cannot be sent to another thread',
      because: 'Bun words the error of structured clone otherwise',
    },
    {
      title: 'turns of the event loop, for grace periods keep the process alive while somebody waits',
      because: 'process.getActiveResourcesInfo is empty in Bun',
    },
  ],
  stress: ['--seconds', '5'],
};

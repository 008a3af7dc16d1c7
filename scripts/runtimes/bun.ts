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
    ...[
      'turns of the event loop, for grace periods keep the process alive while',
      'an owner that waits, and lets its thread turn is woken when a step of its own',
      'an owner that waits, and lets its thread turn is woken when another wait polls',
      'an owner that waits, and lets its thread turn leaves no timer behind',
    ].map((title) => ({ title, because: 'process.getActiveResourcesInfo is empty in Bun' })),
    {
      title: 'functions that wait for grace periods are let go when they have run, though others wait',
      because: 'Bun has no flag that shows a global gc',
    },
  ],
  stress: ['--seconds', '5'],
};

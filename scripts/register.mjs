/**
 * Runs the TypeScript sources directly: `node --import ./scripts/register.mjs FILE.ts`.
 *
 * Worker threads inherit `--import`, so one flag covers every thread and sources and build start their workers by the
 * same URLs. A worker that is given an `execArgv` of its own must repeat `process.execArgv`. Threads resolve the
 * flag's relative path against the working directory of the moment: stay in the project's root.
 */
import module from 'node:module';
import * as hooks from './ts-hooks.mjs';

// Stack traces name the line of the .ts file. The setting is a thread's own.
process.setSourceMapsEnabled(true);

// `register` needs a second thread for the hooks, and warns of its deprecation on Node 26; Node 20 has nothing else.
if (module.registerHooks) module.registerHooks(hooks);
else module.register('./ts-hooks.mjs', import.meta.url);

/**
 * Runs the TypeScript sources directly: `node --import ./scripts/register.mjs FILE.ts`.
 *
 * Worker threads inherit `--import`, so one flag covers all threads, and the sources start their workers by the same
 * URLs as the build does. A worker with an `execArgv` of its own must repeat `process.execArgv`. Each new thread
 * resolves the flag's relative path against the current working directory: the process must stay in the project's root.
 */
import module from 'node:module';
import * as hooks from './ts-hooks.mjs';

// Stack traces then name the line of the .ts file. Each thread has to set this for itself.
process.setSourceMapsEnabled(true);

// `register` runs the hooks on a second thread, and Node 26 warns that it is deprecated; Node 20 has only `register`.
if (module.registerHooks) module.registerHooks(hooks);
else module.register('./ts-hooks.mjs', import.meta.url);

/** Has this process or thread load the mutant that the URL's query describes. Stands behind `--import scripts/register.mjs`. */
import module from 'node:module';
import * as hooks from './hooks.mjs';

const mutant = Object.fromEntries(new URL(import.meta.url).searchParams);
hooks.initialize(mutant);
if (module.registerHooks) module.registerHooks(hooks);
else module.register('./hooks.mjs', { parentURL: import.meta.url, data: mutant });

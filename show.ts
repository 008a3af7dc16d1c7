import { readFileSync } from 'node:fs';
import { mutantsOf } from './scripts/mutate/mutants.js';
import { explains, readExplanations } from './scripts/mutate/explained.js';
import { SUITES, sourcesOf } from './scripts/mutate/suites.js';
const all = [...sourcesOf('.', SUITES).keys()].flatMap((file) => mutantsOf(file, readFileSync(file, 'utf8')));
for (const e of readExplanations(new URL('./scripts/mutate/explained.json', import.meta.url).pathname)) if (!all.some((m) => explains(e, m))) console.log('gone', e.file, e.scope, e.before, '=>', e.after);
for (const w of process.argv.slice(2)) for (const m of all) if (m.before.includes(w)) console.log(m.id, m.file, m.scope, '\n -', m.before, '\n +', m.after);

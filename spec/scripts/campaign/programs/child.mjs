/**
 * Stands for `dirtymem` in the runs of a queue's workers. It writes into a log that it begins and ends; in between it
 * waits as long as there is a file for its worker and seed. A seed that ends in 9 fails.
 */
import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

process.on('disconnect', () => process.exit(1)); // the worker was killed

const { SCENE: folder, WORKER: worker } = process.env;
const flagged = (flag) => process.argv[process.argv.indexOf(flag) + 1];
const seed = flagged('--seed');
const log = (what) => appendFileSync(join(folder, 'log'), `${what} ${seed} ${worker}\n`);

log('began');
while (existsSync(join(folder, `hold-${seed}-${worker}`))) await new Promise((resolve) => setTimeout(resolve, 20));
const violations = seed.endsWith('9') ? [{ oracle: 'lost-update', detail: 'page 5' }] : [];
const verdict = violations.length === 0 ? 'pass' : 'fail';
log('ended');
writeFileSync(flagged('--json'), JSON.stringify({ verdict, violations, by: worker }));
process.exit(violations.length);

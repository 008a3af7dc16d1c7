/** Stands for `dirtymem` in campaigns: what becomes of the process follows from the seed. */
import { appendFileSync, writeFileSync } from 'node:fs';

const flagged = (flag) => process.argv[process.argv.indexOf(flag) + 1];
const report = (verdict, violations, interrupted = false) =>
  writeFileSync(flagged('--json'), JSON.stringify({ verdict, interrupted, violations }));

const seed = flagged('--seed');
const log = (line) => appendFileSync(process.env.STARTED, `${line}\n`);

if (seed === '13') {
  process.on('SIGTERM', () => {
    log('13 ends by itself');
    process.exit(143);
  });
}
if (seed === '14') process.on('SIGTERM', () => {});
log(seed);
switch (seed) {
  case '0':
    report('fail', [{ oracle: 'vacuous', detail: 'only 5 marks', second: 1 }]);
    process.exitCode = 1;
    break;
  case '1':
    report('pass', []);
    break;
  case '2':
    report('fail', [{ oracle: 'lost-update', detail: 'page 5', second: 1 }]);
    process.exitCode = 1;
    break;
  case '3':
    console.error('something terrible');
    process.kill(process.pid, 'SIGKILL');
    break;
  case '4':
    console.log('all is well');
    break;
  case '5':
    writeFileSync(flagged('--json'), '{ "verdict": "pa');
    console.log('half a report');
    process.exitCode = 1;
    break;
  case '6':
    report('pass', []);
    process.exitCode = 1;
    break;
  case '11':
    report('pass', [], true);
    process.exitCode = 130;
    break;
  case '12':
    console.error('there is no such option');
    process.exitCode = 2;
    break;
  default:
    console.log('never ends');
    setInterval(() => {}, 1000);
}

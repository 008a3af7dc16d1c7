/** `bar-program.ts END`: a terminal with a progress bar, and a process that ends in some way. */
import { ProgressBar } from '../../scripts/progress-bar.js';

Object.defineProperty(process.stdout, 'isTTY', { value: true });
const bar = new ProgressBar({ stream: process.stdout });
bar.start(10, 0);
bar.update(5);
switch (process.argv[2]) {
  case 'stops':
    bar.stop();
    break;
  case 'exits':
    process.exit(3);
    break;
  case 'throws':
    throw new Error('a fault');
}

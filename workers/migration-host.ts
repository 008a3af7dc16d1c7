/** Entry point of a process that has the machine, or gets it. */
import { Host } from '../lib/stress/migration/host.js';

const [, , name = '', folder = '', sabotage] = process.argv;
new Host({ name, folder, sabotage }).listen();

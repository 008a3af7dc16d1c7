/** Entry point of a host of `migrate-demo`: a process that has the machine, or receives it. */
import { Host } from '../lib/stress/migration/host.js';

const [, , name = '', folder = '', sabotage] = process.argv;
new Host({ name, folder, sabotage }).listen();

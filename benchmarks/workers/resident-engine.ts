/**
 * Entry point of a process: `resident-engine.ts MAX_RAM_BYTES PLUGGED_BYTES`. Prints the process's resident memory in
 * bytes.
 */
import { DirtyMemory } from '../../lib/index.js';

const [maxRamBytes, size] = process.argv.slice(2).map(Number);
const memory = DirtyMemory.create({ maxRamBytes: maxRamBytes as number });
memory.ram.plug({ id: 'ram', size: size as number });
console.log(process.memoryUsage().rss);

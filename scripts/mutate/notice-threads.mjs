/** Preloaded by specs whose reach is measured: leaves a file in the coverage folder when they start a thread or process. */
import { subscribe } from 'node:diagnostics_channel';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = process.env.NODE_V8_COVERAGE;
const notice = () => {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'threads'), '');
};
subscribe('worker_threads', notice);
subscribe('child_process', notice);

/** `worker.ts URL BUILD LEASE JOBS`: a worker whose runs are those of child.mjs. */
import { fileURLToPath } from 'node:url';
import { runChild } from '../../../../lib/stress/campaign/child-run.js';
import { QueueWorker } from '../../../../scripts/campaign/queue/queue-worker.js';
import { Server } from '../../../../scripts/campaign/queue/server.js';
import { interruptible } from '../../../../scripts/interruption.js';

const [url, build, lease, jobs] = process.argv.slice(2) as [string, string, string, string];
const child = fileURLToPath(new URL('./child.mjs', import.meta.url));
const log = (message: string): void => console.log(message);
const server = await Server.connect(url, log);
const worker = new QueueWorker(server, {
  build,
  runOne: (run, graceSeconds, stop) => runChild(() => [process.execPath, child], build, run, graceSeconds, stop),
  jobs: Number(jobs),
  leaseSeconds: Number(lease),
  log,
});
try {
  await worker.run(interruptible());
} catch (error) {
  console.log((error as Error).message);
  process.exitCode = 2;
}
server.close();
setTimeout(() => process.exit(), 500).unref();

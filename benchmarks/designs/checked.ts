/** Checks designs for correctness, against the model and on threads, just before they are measured. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Checking } from '../workers/checking.js';
import type { DesignName } from './designs.js';

/** @throws (rejects) Error at the first difference from the model, or lost update */
export async function checkDesigns(designs: readonly DesignName[]): Promise<void> {
  const workerData: Checking = { designs };
  const worker = new Worker(new URL('../workers/checking.js', import.meta.url), { workerData });
  const [code] = await once(worker, 'exit'); // rejects when the thread throws
  if (code !== 0) throw new Error(`the check of the designs ended with ${code}`);
}

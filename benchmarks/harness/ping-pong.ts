/**
 * Measures the round trip of a cache line between two threads. On virtual machines it changes severalfold when the host
 * moves a virtual CPU, and all figures of contention change with it. So compare only runs with similar round trips.
 */
import type { Echo } from '../workers/echo.js';
import { type Figure, figure } from './figure.js';
import { startThread } from './threads.js';

const TRIPS = 50;
const LEAST_ROUNDS = 5;
/**
 * How long to measure: usually enough for a thousand round trips. With more threads than cores one trip may take
 * milliseconds.
 */
const MILLISECONDS = 100;

function play(words: Int32Array, from: number): void {
  for (let i = from; i < from + TRIPS; i++) {
    Atomics.store(words, 0, i);
    while (Atomics.load(words, 16) !== i);
  }
}

export async function roundTrip(): Promise<Figure> {
  const words = new Int32Array(new SharedArrayBuffer(128));
  const echo = await startThread<Echo>('echo', { words });
  const nanoseconds: number[] = [];
  const start = performance.now();
  for (let round = 0; round < LEAST_ROUNDS || performance.now() < start + MILLISECONDS; round++) {
    const began = performance.now();
    play(words, 1 + round * TRIPS);
    nanoseconds.push(((performance.now() - began) * 1e6) / TRIPS);
  }
  await echo.stop();
  return figure('round trip of a cache line between two threads, just before', 'ns', nanoseconds);
}

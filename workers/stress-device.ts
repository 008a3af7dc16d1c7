/** Entry point of the stress test's DMA device, a thread of its pool. */
export { runDevice as default } from '../lib/stress/device-workload.js';

/** Entry point of a thread of the stress test's pool. */
export { runDevice as default } from '../lib/stress/device-workload.js';

/** Entry point of a thread of the stress test's pool. */
export { runVcpu as default } from '../lib/stress/vcpu-workload.js';

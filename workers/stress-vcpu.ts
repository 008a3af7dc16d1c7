/** Entry point of the stress test's vCPUs, threads of its pool. */
export { runVcpu as default } from '../lib/stress/vcpu-workload.js';

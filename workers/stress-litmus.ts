/** Entry point of a thread of the stress test's pool. */
export { runLitmus as default } from '../lib/stress/litmus.js';

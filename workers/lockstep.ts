/** Entry point of a thread of the lockstep litmus. */
export { runLitmusThread as default } from '../lib/stress/lockstep/threads.js';

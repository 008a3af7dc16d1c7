/** Entry point of both threads of the lockstep litmus test. */
export { runLitmusThread as default } from '../lib/stress/lockstep/threads.js';

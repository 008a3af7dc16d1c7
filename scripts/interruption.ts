/**
 * What interrupts a command: Ctrl-C, SIGTERM, output that nobody reads any more, and the end of a parent process that
 * has a channel to this one. A long-running command then stops, prints and writes what it has found so far, and exits
 * with 128 plus the signal's number. A second signal ends the process at once. SIGHUP gets no handler, because nohup(1)
 * makes the process ignore SIGHUP, and a handler would undo that.
 */
import { constants } from 'node:os';

type Interrupting = 'SIGINT' | 'SIGTERM' | 'SIGPIPE';

let running: AbortController | undefined;
/**
 * Whether a signal has come. Lost output does not count as one: Ctrl-C may also end the program that reads the output.
 */
let signalled = false;

/** To be called once, by a long-running command. @returns a signal that aborts when the command has to stop */
export function interruptible(): AbortSignal {
  running = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => interrupt(signal));
  if (process.send !== undefined) {
    process.once('disconnect', () => interrupt('SIGTERM'));
    process.channel?.unref(); // the channel alone must not keep the process alive
    if (!process.connected) interrupt('SIGTERM'); // the parent ended while this process was starting
  }
  return running.signal;
}

/** @param interruption the aborted signal */
export function exitCodeAfter(interruption: AbortSignal): number {
  return codeOf(interruption.reason as Interrupting);
}

/** To be called once. Output that nobody reads then interrupts the command, or ends it if it is not interruptible. */
export function endWithoutReaders(): void {
  let told = false;
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', ({ code, message }: NodeJS.ErrnoException) => {
      if (told) return;
      told = true;
      // EPIPE: the program behind a pipe has ended. EIO: the terminal has gone.
      if (code !== 'EPIPE' && code !== 'EIO') console.error(`error: the output cannot be written: ${message}`);
      interrupt('SIGPIPE');
    });
  }
}

function interrupt(by: Interrupting): void {
  if (running === undefined) process.exit(process.exitCode ?? codeOf(by)); // keep a known verdict's exit code
  if (!running.signal.aborted) running.abort(by);
  if (by === 'SIGPIPE') return;
  if (signalled) process.exit(codeOf(by));
  signalled = true;
}

function codeOf(by: Interrupting): number {
  return 128 + constants.signals[by];
}

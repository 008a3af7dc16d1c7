/**
 * What ends a command before its time: Ctrl-C, SIGTERM, output that nobody reads any more, and the end of a parent process
 * that has a channel to this one. A command that runs for long stops, says and writes what it has found so far, and ends
 * with 128 and the number of the signal. A second signal ends the process at once. SIGHUP is left alone: nohup(1) has it
 * ignored, which a handler would undo.
 */
import { constants } from 'node:os';

type Interrupting = 'SIGINT' | 'SIGTERM' | 'SIGPIPE';

let running: AbortController | undefined;
/** Whether a signal has come. Output without readers is none: Ctrl-C may end the reader of the output, too, before or after. */
let signalled = false;

/** Called once, by a command that runs for long. @returns aborted when the command is to stop */
export function interruptible(): AbortSignal {
  running = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => interrupt(signal));
  if (process.connected !== undefined) {
    process.once('disconnect', () => interrupt('SIGTERM'));
    process.channel?.unref(); // which alone does not keep the process
    if (!process.connected) interrupt('SIGTERM'); // the parent has ended while this process began
  }
  return running.signal;
}

/** @param interruption that has aborted */
export function exitCodeAfter(interruption: AbortSignal): number {
  return codeOf(interruption.reason as Interrupting);
}

/** Called once. Output that nobody reads interrupts the command, or ends it if it has nothing to stop. */
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
  if (running === undefined) process.exit(process.exitCode ?? codeOf(by)); // a command that has its verdict keeps it
  if (!running.signal.aborted) running.abort(by);
  if (by === 'SIGPIPE') return;
  if (signalled) process.exit(codeOf(by));
  signalled = true;
}

function codeOf(by: Interrupting): number {
  return 128 + constants.signals[by];
}

/**
 * Runs a command line made with `exitOverride()`. Its exit codes tell what happened: 2 a usage error and 70 a fault of the
 * program itself, so that 1 is always what a run has found, and 128 with a signal's number an interruption.
 */
import { type Command, CommanderError, InvalidArgumentError } from 'commander';
import { endWithoutReaders } from './interruption.js';

const USAGE_ERROR = 2;
/** EX_SOFTWARE of sysexits(3). */
const FAULT = 70;

export async function runProgram(program: Command): Promise<void> {
  endWithoutReaders();
  process.on('uncaughtException', (error) => {
    // A run that judges uncaught errors itself has a listener of its own.
    if (process.listenerCount('uncaughtException') > 1) return;
    console.error(error);
    process.exit(FAULT);
  });
  try {
    await program.parseAsync();
  } catch (error) {
    if (!(error instanceof CommanderError)) {
      console.error(error);
      process.exit(FAULT);
    }
    // What an action throws, Commander does not print.
    if (error instanceof InvalidArgumentError) console.error(`error: ${error.message}`);
    process.exitCode = error.exitCode === 0 ? 0 : USAGE_ERROR;
  }
}

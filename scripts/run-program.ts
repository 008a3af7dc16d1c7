/**
 * Runs a command line made with `exitOverride()`. Exit codes: 2 for a usage error; 70 for a fault of the program
 * itself, so that 1 always means that the run has found something; 128 plus the signal's number for an interruption.
 */
import { type Command, CommanderError, InvalidArgumentError } from 'commander';
import { endWithoutReaders } from './interruption.js';

const USAGE_ERROR = 2;
/** EX_SOFTWARE of sysexits(3). */
const FAULT = 70;

export async function runProgram(program: Command): Promise<void> {
  endWithoutReaders();
  process.on('uncaughtException', (error) => {
    // The stress test installs its own listener, because it reports uncaught errors as violations.
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
    // Commander does not print errors that an action throws.
    if (error instanceof InvalidArgumentError) console.error(`error: ${error.message}`);
    process.exitCode = error.exitCode === 0 ? 0 : USAGE_ERROR;
  }
}

/** Runs a command line whose usage errors exit with 2, as no result of a run does. Made with `exitOverride()`. */
import { type Command, CommanderError, InvalidArgumentError } from 'commander';

const USAGE_ERROR = 2;

export async function runProgram(program: Command): Promise<void> {
  try {
    await program.parseAsync();
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // What an action throws, Commander does not print.
    if (error instanceof InvalidArgumentError) console.error(`error: ${error.message}`);
    process.exitCode = error.exitCode === 0 ? 0 : USAGE_ERROR;
  }
}

#!/usr/bin/env node
/** The command line. Exit 0: pass; 1: the run found a violation; 2: usage error. */
import { createRequire } from 'node:module';
import { Command, CommanderError } from 'commander';
import { addStressCommand } from './stress-command.js';

const USAGE_ERROR = 2;

// By its own name, because the way to package.json differs between scripts/ and dist/scripts/.
const { name, version, description } = createRequire(import.meta.url)('dirtymem/package.json');

const program = new Command(name).description(description).version(version).exitOverride();
addStressCommand(program);

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? 0 : USAGE_ERROR;
}

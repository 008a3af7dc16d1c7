#!/usr/bin/env node
/**
 * The command line. Exit status: 0 pass; 1 the run found a violation, or a benchmark got slower; 2 usage error; 70 a
 * fault of the program itself; 128 plus the signal's number when interrupted.
 */
import { createRequire } from 'node:module';
import { QUEUE_PACKAGES } from './campaign/queue/packages.js';

// Imported by the package's name, because the relative path of package.json differs between scripts/ and dist/scripts/.
const { name, version, description, peerDependencies } = createRequire(import.meta.url)('dirtymem/package.json');

/** The packages that only the command line needs are not installed with the library. */
async function loadCommandLine() {
  try {
    const [commander, run, stress, litmus, bench, migrateDemo, campaign] = await Promise.all([
      import('commander'),
      import('./run-program.js'),
      import('./stress-command.js'),
      import('./litmus-command.js'),
      import('../benchmarks/compare-command.js'),
      import('./migrate-demo-command.js'),
      import('./campaign/campaign-command.js'),
    ]);
    return { ...commander, ...run, ...stress, ...litmus, ...bench, ...migrateDemo, ...campaign };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    const missing = Object.keys(peerDependencies)
      .filter((peer) => !QUEUE_PACKAGES.includes(peer))
      .join(' ');
    console.error(`${(error as Error).message}\nThe command line needs more packages: npm install ${missing}`);
    process.exit(2);
  }
}

const {
  Command,
  addBenchCommand,
  addCampaignCommands,
  addLitmusCommand,
  addMigrateDemoCommand,
  addStressCommand,
  runProgram,
} = await loadCommandLine();
const program = new Command(name)
  .description(description)
  .version(version)
  .enablePositionalOptions() // an option after a command's name is that command's, and not its parent's
  .exitOverride();
addStressCommand(program);
addLitmusCommand(program);
addBenchCommand(program);
addMigrateDemoCommand(program);
addCampaignCommands(program);
await runProgram(program);

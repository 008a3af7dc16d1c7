/** `npm run machine`: runs somebody else's programs on the reference machine. */
import { Command } from 'commander';
import { addLinuxCommand } from './machine/linux-command.js';
import { addRiscvTestsCommand } from './machine/riscv-tests-command.js';
import { runProgram } from './run-program.js';

const program = new Command('machine')
  .description("runs somebody else's programs on the reference machine of spec/machine/")
  .exitOverride();
addRiscvTestsCommand(program);
addLinuxCommand(program);
await runProgram(program);

/**
 * `machine linux`: boots a Linux Image with its console on the terminal. MIGRATION is harvested while it runs. On a key
 * the machine gets a DIMM, or moves to another process, where it goes on with the same terminal.
 */
import { type Command, InvalidArgumentError, Option } from 'commander';
import * as layout from '../../spec/machine/hart/layout.js';
import type { Tracking } from '../../spec/machine/hart-module.js';
import { checkImage, checkInitramfs, linuxMachine } from '../../spec/machine/linux/linux-machine.js';
import { type Machine, MIB } from '../../spec/machine/machine.js';
import { integer } from '../integer.js';
import { interruptible } from '../interruption.js';
import { bytesOf } from './files.js';
import { LinuxSession } from './linux-session.js';

interface LinuxOptions {
  readonly harts: number;
  readonly initramfs?: Uint8Array;
  readonly ram: number;
  readonly append: string;
  readonly tracking: Tracking;
  readonly migrate?: number;
  readonly harvestMs: number;
}

const MOST_RAM_MIB = 224;

export function addLinuxCommand(program: Command): void {
  program
    .command('linux')
    .description('boot a Linux Image, with its console on the terminal')
    .argument('<image>', 'arch/riscv/boot/Image of a kernel for rv64ima', checked(checkImage))
    .addOption(new Option('--harts <n>', 'harts').argParser(integer(1, layout.MOST_HARTS)).default(2))
    .addOption(
      new Option('--initramfs <file>', 'the first file system, a cpio archive').argParser(checked(checkInitramfs)),
    )
    .addOption(new Option('--ram <mib>', 'RAM').argParser(integer(16, MOST_RAM_MIB)).default(128))
    .addOption(new Option('--append <words>', "for the kernel's command line").default(''))
    .addOption(
      new Option('--tracking <way>', 'how stores are tracked')
        .choices(['each-store', 'write-tlb'] satisfies Tracking[])
        .default('write-tlb'),
    )
    .addOption(
      new Option('--migrate <seconds>', 'move to another process after so many seconds').argParser(integer(1, 86_400)),
    )
    .addOption(
      new Option('--harvest-ms <n>', 'milliseconds between two harvests').argParser(integer(1, 60_000)).default(16),
    )
    .addHelpText(
      'after',
      '\nKeys: Ctrl-A x ends, Ctrl-A d plugs a DIMM or asks for it back, Ctrl-A m moves the machine to another process.' +
        '\nExit status: 0 powered down, 1 a page differed from its replica or a hart failed, 2 usage error.',
    )
    .action(boot);
}

/** @returns a parser that takes a file which passes the check */
function checked(check: (bytes: Uint8Array) => void): (path: string) => Uint8Array {
  return (path) => {
    const bytes = bytesOf(path);
    try {
      check(bytes);
    } catch (error) {
      throw new InvalidArgumentError(`${path}: ${(error as Error).message}.`);
    }
    return bytes;
  };
}

function machineOf(image: Uint8Array, { harts, initramfs, ram, append, tracking }: LinuxOptions): Machine {
  const bootargs = `console=hvc0 earlycon=sbi ${append}`.trim();
  try {
    return linuxMachine({ image, initramfs, ramBytes: ram * MIB, bootargs, harts, tracking });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new InvalidArgumentError(`${error.message}: --ram may be up to ${MOST_RAM_MIB}.`);
  }
}

async function boot(image: Uint8Array, options: LinuxOptions): Promise<void> {
  const { tracking, migrate, harvestMs } = options;
  const machine = machineOf(image, options);
  const session = await LinuxSession.begin({ machine, tracking, harvestMs }, interruptible());
  await machine.start();
  if (migrate !== undefined) setTimeout(() => session.move(), migrate * 1000).unref();
  process.exitCode = await session.end();
}

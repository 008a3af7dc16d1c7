/**
 * Debian's Node for other processors, under QEMU's user-mode emulation: arm64, and s390x, which is big-endian. Threads of
 * the emulated program are threads here, so they run in parallel. The memory is this machine's: on x86 a plain access is
 * stronger than ARM's, so what only weak memory shows is not seen (docs/proofs.md). The specs are not run there: QEMU 7.2
 * ends with a segmentation fault where TypeScript is compiled on a thread of its own.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder, type Runtime, versionOf } from './runtime.js';

/** The release of Debian whose Node is 20.19 or later. */
const SUITE = 'stable';

function installEmulated(debian: string, qemu: string): [string, ...string[]] {
  const emulator = `qemu-${qemu}`;
  for (const program of [emulator, 'mmdebstrap']) {
    if (spawnSync(program, ['--version']).error !== undefined) {
      throw new Error(`${program} is missing: apt-get install qemu-user mmdebstrap`);
    }
  }
  const root = join(cacheFolder('debian'), debian);
  const node = join(root, 'usr/bin/node');
  if (!existsSync(node)) {
    const options = [`--architectures=${debian}`, '--variant=extract', '--include=nodejs', '--quiet'];
    // A mirror that is some weeks behind will do; its signatures are checked all the same.
    options.push('--aptopt=Acquire::Check-Valid-Until "false"');
    execFileSync('mmdebstrap', [...options, SUITE, root], { stdio: ['ignore', 'ignore', 'inherit'] });
    // Nothing was set up, so the folders that Debian has merged are not linked.
    if (!existsSync(join(root, 'lib'))) symlinkSync('usr/lib', join(root, 'lib'));
  }
  return [emulator, '-L', root, node];
}

function emulated(debian: string, qemu: string, stress: readonly string[]): Runtime {
  return {
    name: debian,
    install() {
      const command = installEmulated(debian, qemu);
      return { version: `Node ${versionOf(command)}, ${debian}`, command, forSpecs: [], env: process.env };
    },
    specs: [],
    lacks: [],
    stress,
    slow: true,
  };
}

export const arm64 = emulated('arm64', 'aarch64', ['--seconds', '75', '--vcpus', '2']);

/** WebAssembly is little-endian, so this machine has the other kernel alone. */
export const s390x = emulated('s390x', 's390x', ['--seconds', '75', '--vcpus', '2', '--kernel', 'atomics']);

/** `npm run machine`: what it says of files that it cannot use, and a test that it runs. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { Command, type CommanderError } from 'commander';
import { addLinuxCommand } from '../../scripts/machine/linux-command.js';
import { addRiscvTestsCommand } from '../../scripts/machine/riscv-tests-command.js';
import { assemble } from '../machine/assembler/assemble.js';
import { smallKernel } from '../machine/linux/small-kernel.js';
import { runProgram } from '../support/run-program.js';

const SCRIPT = fileURLToPath(new URL('../../scripts/machine.ts', import.meta.url));
const BASE = 0x80000000;
const TO_HOST = BASE + 0x1000;

interface Outcome {
  readonly code: number;
  readonly text: string;
}

async function machine(...args: string[]): Promise<Outcome> {
  try {
    const { stdout, stderr } = await runProgram(SCRIPT, 60_000, args);
    return { code: 0, text: stdout + stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, text: stdout + stderr };
  }
}

/** An ELF file with one segment and the symbol `tohost`. */
function elf(text: string): Uint8Array {
  const { bytes } = assemble(text, BASE);
  const names = Buffer.from('\0tohost\0');
  const [headers, symbols, strings] = [64 + 56, 48, names.length];
  const sectionsAt = Math.ceil((headers + bytes.length + symbols + strings) / 8) * 8;
  const file = Buffer.alloc(sectionsAt + 3 * 64);
  const long = (at: number, value: number): void => void file.writeBigUInt64LE(BigInt(value), at);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  file.writeUInt16LE(243, 18);
  for (const [at, value] of [
    [24, BASE],
    [32, 64],
    [40, sectionsAt],
  ] as const)
    long(at, value);
  file.writeUInt16LE(1, 56);
  file.writeUInt16LE(3, 60);
  file.writeUInt32LE(1, 64);
  const segment = [headers, BASE, BASE, bytes.length, bytes.length];
  segment.forEach((value, i) => {
    long(64 + 8 + 8 * i, value);
  });
  file.set(bytes, headers);
  const symbolsAt = headers + bytes.length;
  file.writeUInt32LE(1, symbolsAt + 24);
  long(symbolsAt + 32, TO_HOST);
  file.set(names, symbolsAt + symbols);
  file.writeUInt32LE(2, sectionsAt + 64 + 4);
  long(sectionsAt + 64 + 24, symbolsAt);
  long(sectionsAt + 64 + 32, symbols);
  file.writeUInt32LE(2, sectionsAt + 64 + 40);
  long(sectionsAt + 128 + 24, symbolsAt + symbols);
  return file;
}

const verdict = (value: number): Uint8Array =>
  elf(`li t0, ${TO_HOST}\nli t1, ${value}\nsd t1, 0(t0)\nloop: j loop\nnop\n`);

describe('npm run machine', () => {
  let folder: string;
  const put = (name: string, bytes: Uint8Array): string => {
    writeFileSync(join(folder, name), bytes);
    return join(folder, name);
  };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'dirtymem-machine-'));
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  it('runs the tests of a folder, and says what failed and what is not supported', async () => {
    put('rv64ui-p-good', verdict(1));
    put('rv64ui-p-bad', verdict((7 << 1) | 1));
    put('rv64uf-p-fadd', verdict(1));
    put('rv64ui-p-cut', verdict(1).subarray(0, 200));
    put('rv64ui-p-good.dump', new Uint8Array());
    const { code, text } = await machine('riscv-tests', folder);
    expect(text).to.match(/failed: rv64ui-p-bad: test 7 failed/);
    expect(text).to.match(/failed: rv64ui-p-cut: it is cut off/);
    expect(text).to.match(/not supported: rv64uf-p-fadd: there is no floating point/);
    expect(text).to.match(/1 passed, 2 failed, 1 not supported/);
    expect(code).to.equal(1);
  });

  it('refuses a folder without tests, and one that is not there', async () => {
    expect(await refusal('riscv-tests', folder)).to.match(/has no programs such as rv64ui-p-add/);
    expect(await refusal('riscv-tests', join(folder, 'gone'))).to.match(/ENOENT/);
  });

  it('refuses what is no Image, files that are no archive, too little RAM, and options out of range', async () => {
    const wrong = put('vmlinux', new Uint8Array(100));
    const image = put('Image', smallKernel());
    const large = put('initramfs', Buffer.concat([Buffer.from('070701'), new Uint8Array(12 * 2 ** 20)]));
    const compressed = put('compressed', Buffer.concat([Buffer.of(0x4d, 0x5a), smallKernel().subarray(2)]));
    const { code, text } = await machine('linux', wrong);
    expect(text).to.match(/it is no Image of a Linux for RISC-V/);
    expect(code).to.equal(2);
    expect(await refusal('linux', wrong, '--harts', '9')).to.match(/must be an integer from 1 to 8/);
    expect(await refusal('linux', compressed)).to.match(/it has compressed instructions/);
    expect(await refusal('linux', image, '--initramfs', wrong)).to.match(/it is no cpio archive/);
    expect(await refusal('linux', image, '--initramfs', join(folder, 'gone'))).to.match(/ENOENT/);
    const tooSmall = await refusal('linux', image, '--initramfs', large, '--ram', '16');
    expect(tooSmall).to.match(/16 MiB of RAM are too little for the kernel and its files: --ram may be up to 224/);
  });
});

/** @returns the message with which the arguments are refused, before anything is done */
async function refusal(...args: string[]): Promise<string> {
  const program = new Command().exitOverride().configureOutput({ writeErr: () => {} });
  addRiscvTestsCommand(program);
  addLinuxCommand(program);
  return program.parseAsync(args, { from: 'user' }).then(
    () => 'not refused',
    (error: CommanderError) => error.message,
  );
}

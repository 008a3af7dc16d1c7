/** Runs a program of the official riscv-tests: it stores its verdict to `tohost`. */
import { setTimeout as sleep } from 'node:timers/promises';
import { readElf } from './elf.js';
import * as layout from './hart/layout.js';
import type { Tracking } from './hart-module.js';
import { Machine, MIB } from './machine.js';

const RAM_BYTES = 16 * MIB;
const PASSED = 1n;

export interface TestResult {
  readonly passed: boolean;
  /** Of a test that has not passed. */
  readonly why?: string;
}

/** What tests need that the machine does not have, by their names. */
const UNSUPPORTED: readonly [name: RegExp, why: string][] = [
  [/^rv32/, 'the machine has 64 bits'],
  [/^rv64u[fd]/, 'there is no floating point'],
  [/^rv64uc|-rvc$/, 'there are no compressed instructions'],
  [/^rv64(uz|mz|ss|sz|ssvnapot|uzf|uzb)/, 'an extension that the machine does not have'],
  [/pmpaddr/, 'there is no physical memory protection'],
  [/breakpoint|mtrigger/, 'there are no triggers'],
];

/** @returns why the machine cannot run a test; undefined when it can */
export function whyUnsupported(name: string): string | undefined {
  return UNSUPPORTED.find(([pattern]) => pattern.test(name))?.[1];
}

/** @throws Error unless the file is a test of riscv-tests */
export async function runTest(file: Uint8Array, tracking: Tracking, timeoutMs: number): Promise<TestResult> {
  const { entry, segments, symbols } = readElf(file);
  const toHost = symbols.get('tohost');
  if (toHost === undefined) throw new Error('it has no symbol tohost, so it is none of riscv-tests');
  const machine = new Machine({ harts: 1, tracking });
  const ram = machine.plug({ id: 'ram', offset: 0, size: RAM_BYTES });
  for (const { address, bytes, size } of segments) {
    const at = address - layout.RAM_BASE;
    if (at < 0 || at + size > RAM_BYTES) throw new Error(`it has something at 0x${address.toString(16)}`);
    ram.set(bytes, at);
  }
  machine.boot({ entry, sbi: false });
  await machine.start();
  try {
    const words = new BigInt64Array(ram.buffer, toHost - layout.RAM_BASE, 1);
    for (const end = performance.now() + timeoutMs; performance.now() < end; await sleep(1)) {
      const verdict = Atomics.load(words, 0);
      if (verdict === PASSED) return { passed: true };
      if (verdict !== 0n) return { passed: false, why: `test ${verdict >> 1n} failed` };
    }
    return { passed: false, why: `no verdict within ${timeoutMs / 1000} s` };
  } finally {
    await machine.close();
  }
}

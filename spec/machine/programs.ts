/** Short programs for one hart, that specs write down beside what they expect. */
import { assemble } from './assembler/assemble.js';
import * as layout from './hart/layout.js';
import { Machine, type MachineOptions, MIB } from './machine.js';

export const RESULTS = 0x80100000;

export interface Ended {
  /** What the program has stored from `RESULTS` on. */
  readonly results: readonly bigint[];
  readonly machine: Machine;
}

interface ProgramOptions {
  /** Whether it begins in S mode, with the SBI. Default false. */
  readonly sbi?: boolean;
  /** What was typed before it begins. */
  readonly typed?: string;
}

/**
 * Runs a program from its first instruction, in M mode or by the SBI, until it stores to the power switch: `t6` has the
 * board's address, `s0` that of the results.
 */
export async function run(
  text: string,
  { sbi = false, typed = '', ...options }: Partial<MachineOptions> & ProgramOptions = {},
): Promise<Ended> {
  const machine = new Machine({ harts: 1, ...options });
  const prelude = `  li t6, ${layout.BOARD_ADDRESS}\n  li s0, ${RESULTS}\n`;
  const end = `\nend:\n  sd zero, ${layout.BOARD_POWER}(t6)\n  j end\n`;
  machine.plug({ id: 'ram', offset: 0, size: 4 * MIB }).set(assemble(prelude + text + end, layout.RAM_BASE).bytes);
  machine.boot({ entry: layout.RAM_BASE, sbi });
  for (const byte of Buffer.from(typed)) machine.board.type(byte);
  await machine.start();
  try {
    await machine.threads.down;
  } finally {
    await machine.close();
  }
  const words = new BigUint64Array(machine.board.bytes.buffer, RESULTS - layout.RAM_BASE, 64);
  return { results: [...words], machine };
}

/** As a number of 64 bits. */
export const bits = (value: number | bigint): bigint => BigInt.asUintN(64, BigInt(value));

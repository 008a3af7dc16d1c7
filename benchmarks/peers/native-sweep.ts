/** Runs the windows of a contention sweep in C (contention.c), with liburcu if it is installed. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { marksRanges, type Pattern, pagesOf, SEQUENCE } from '../contention/patterns.js';
import { BLOCK_PAGES } from '../contention/shape.js';
import { type Owed, owed } from '../harness/disturbance.js';
import { CProgram } from './c-program.js';

export const WAYS = {
  lock: "C: read lock and or (QEMU's way)",
  urcu: "C: liburcu's read lock and or",
  or: 'C: or, QSBR',
  test: 'C: test first, QSBR',
} as const;

export type Way = keyof typeof WAYS;

export interface NativeWindow extends Owed {
  /** Marks per second of each thread. */
  readonly rates: readonly number[];
}

export class NativeSweep {
  private readonly program: CProgram;
  private readonly threads: number;
  private readonly skew: number;
  private readonly written = new Set<Pattern>();

  constructor(program: CProgram, threads: number, skew: number) {
    this.program = program;
    this.threads = threads;
    this.skew = skew;
  }

  /** @returns undefined when the program was compiled without support for this way */
  async run(way: Way, pattern: Pattern, threads: number, milliseconds: number): Promise<NativeWindow | undefined> {
    const file = this.fileOf(pattern);
    const began = performance.now();
    const answer = await this.program.ask(
      [way, threads, milliseconds, this.threads, BLOCK_PAGES, SEQUENCE, Number(marksRanges(pattern)), file].join(' '),
    );
    if (answer === 'none') return undefined;
    const [cpuMs, ...counts] = answer.split(' ').map(Number);
    const rates = Array.from(
      { length: threads },
      (_, i) => ((counts[2 * i] as number) / (counts[2 * i + 1] as number)) * 1e9,
    );
    const longest = Math.max(...counts.filter((_, i) => i % 2 === 1)) / 1e6;
    if (!(longest > 0 && longest <= performance.now() - began)) throw new Error(`the C program answered '${answer}'`);
    return { rates, ...owed(cpuMs as number, longest, threads) };
  }

  async stop(): Promise<void> {
    await this.program.stop();
  }

  private fileOf(pattern: Pattern): string {
    const file = join(this.program.folder, pattern);
    if (!this.written.has(pattern)) {
      const pages = new Int32Array(this.threads * SEQUENCE);
      for (let vcpu = 0; vcpu < this.threads; vcpu++) pages.set(pagesOf(pattern, vcpu, this.skew), vcpu * SEQUENCE);
      writeFileSync(file, pages);
      this.written.add(pattern);
    }
    return file;
  }
}

/** @returns undefined, after printing a note, when there is no C compiler */
export function startNativeSweep(threads: number, skew: number): NativeSweep | undefined {
  const program = CProgram.start('contention.c', [
    ['-O2', '-pthread', '-DHAVE_URCU', '-lurcu-memb'],
    ['-O2', '-pthread'],
  ]);
  return program && new NativeSweep(program, threads, skew);
}

/** The same operations in C, if the machine has a C compiler: a process that answers requests with times. */
import type { StoreLoop } from '../workers/generated-stores.js';
import { CProgram } from './c-program.js';

/** The requests of each program, which is a C file of this folder. */
export interface Requests {
  sync: 'clean' | 'sparse' | 'dense' | 'range512 dirty' | 'range512 clean' | 'block-dirty' | 'block-clean' | 'scan';
  /** How to store, the harvests a second, the milliseconds of the window. */
  stores: `${StoreLoop} ${number} ${number}`;
  mark: 'mark-1' | 'mark-3' | 'mark-1-rows' | 'mark-3-rows';
}

export class Native<Program extends keyof Requests> {
  private readonly program: CProgram;

  constructor(program: CProgram) {
    this.program = program;
  }

  /** @returns nanoseconds */
  async time(request: Requests[Program]): Promise<number> {
    const line = await this.program.ask(request);
    const nanoseconds = Number(line);
    if (!(nanoseconds > 0)) throw new Error(`the C program answered '${request}' with '${line}'`);
    return nanoseconds;
  }

  async stop(): Promise<void> {
    await this.program.stop();
  }
}

/** @returns undefined, after printing a note, when there is no C compiler */
export function startNative<Program extends keyof Requests>(name: Program): Native<Program> | undefined {
  const program = CProgram.start(`${name}.c`, [
    ['-O2', '-pthread', '-mpopcnt'],
    ['-O2', '-pthread'],
  ]);
  return program && new Native(program);
}

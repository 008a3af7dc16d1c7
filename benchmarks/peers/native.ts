/** The same operations in C (sync.c), where the machine has a compiler: a process that answers requests with times. */
import { CProgram } from './c-program.js';

export type Request =
  | 'clean'
  | 'sparse'
  | 'dense'
  | 'range512 dirty'
  | 'range512 clean'
  | 'block-dirty'
  | 'block-clean'
  | 'scan';

export class Native {
  private readonly program: CProgram;

  constructor(program: CProgram) {
    this.program = program;
  }

  /** @returns nanoseconds */
  async time(request: Request): Promise<number> {
    const line = await this.program.ask(request);
    const nanoseconds = Number(line);
    if (!(nanoseconds > 0)) throw new Error(`the C program answered '${request}' with '${line}'`);
    return nanoseconds;
  }

  async stop(): Promise<void> {
    await this.program.stop();
  }
}

/** @returns undefined, and says so, where nothing compiles C */
export function startNative(): Native | undefined {
  const program = CProgram.start('sync.c', [['-O2', '-mpopcnt'], ['-O2']]);
  return program && new Native(program);
}

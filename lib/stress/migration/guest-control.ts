/**
 * Memory that a machine's threads share, apart from its RAM: the command that vCPUs obey, the DIMMs that the guest
 * sees, and each vCPU's registers. The DIMMs and the registers are the machine's state.
 */
import { Words } from '../../arena/words.js';
import { DIMMS } from './plan.js';

export const Command = { Run: 0, Stand: 1 } as const;

const Word = { Command: 0, Standing: 1, Throttle: 2, Saves: 3, Dimms: 4 } as const;
const REGISTERS = 16;
const REGISTERS_SIZE = 16;
const Register = { Steps: 0, Seen: 1, Since: 1 + DIMMS } as const;

/** A vCPU's registers. */
export interface Registers {
  readonly steps: number;
  /** For each DIMM, the generation that the vCPU saw last. */
  readonly seen: readonly number[];
  /** For each DIMM, how many steps the vCPU had done when it first saw that generation. */
  readonly since: readonly number[];
}

/** The state of a machine, apart from its RAM. */
export interface MachineState {
  /** How often the state was saved. */
  readonly saves: number;
  /** For each DIMM, its generation: how often it was plugged or unplugged; odd while it is plugged. */
  readonly dimms: readonly number[];
  readonly vcpus: readonly Registers[];
}

export class GuestControl {
  readonly buffer: SharedArrayBuffer;
  private readonly words: Words;
  private readonly vcpus: number;

  constructor(vcpus: number, buffer?: SharedArrayBuffer) {
    const size = REGISTERS + vcpus * REGISTERS_SIZE;
    this.buffer = buffer ?? new SharedArrayBuffer(size * 4);
    this.words = new Words(this.buffer, 0, size);
    this.vcpus = vcpus;
  }

  get command(): number {
    return this.words.load(Word.Command);
  }

  set command(command: number) {
    this.words.store(Word.Command, command);
    this.words.notify(Word.Command);
  }

  /** How many vCPUs stand still. */
  get standing(): number {
    return this.words.load(Word.Standing);
  }

  /** The throttle, in thousandths of the vCPUs' time. */
  get throttle(): number {
    return this.words.load(Word.Throttle);
  }

  set throttle(thousandths: number) {
    this.words.store(Word.Throttle, thousandths);
  }

  /** Counts a save. @returns how often the state was saved, including this time */
  countSave(): number {
    return this.words.add(Word.Saves, 1) + 1;
  }

  /** To be called by a vCPU's thread. Blocks until the command is to run. */
  stand(): void {
    this.words.add(Word.Standing, 1);
    while (this.command === Command.Stand) this.words.wait(Word.Command, Command.Stand, 1000);
    this.words.add(Word.Standing, -1);
  }

  /** To be called by a vCPU's thread. Sleeps for this time, or until the command is to stand still. */
  rest(ms: number): void {
    this.words.wait(Word.Command, Command.Run, ms);
  }

  /** Odd while the DIMM is plugged. */
  generation(dimm: number): number {
    return this.words.load(Word.Dimms + dimm);
  }

  /** To be called when the DIMM is plugged or unplugged. */
  turn(dimm: number): void {
    this.words.add(Word.Dimms + dimm, 1);
  }

  steps(vcpu: number): number {
    return this.words.load(this.register(vcpu, Register.Steps));
  }

  setSteps(vcpu: number, steps: number): void {
    this.words.store(this.register(vcpu, Register.Steps), steps);
  }

  seen(vcpu: number, dimm: number): number {
    return this.words.load(this.register(vcpu, Register.Seen) + dimm);
  }

  /** Records that the vCPU sees another generation of the DIMM, after this many steps. */
  see(vcpu: number, dimm: number, generation: number, steps: number): void {
    this.words.store(this.register(vcpu, Register.Seen) + dimm, generation);
    this.words.store(this.register(vcpu, Register.Since) + dimm, steps);
  }

  get state(): MachineState {
    const dimms = [...Array(DIMMS).keys()];
    return {
      saves: this.words.load(Word.Saves),
      dimms: dimms.map((dimm) => this.generation(dimm)),
      vcpus: [...Array(this.vcpus).keys()].map((vcpu) => ({
        steps: this.steps(vcpu),
        seen: dimms.map((dimm) => this.seen(vcpu, dimm)),
        since: dimms.map((dimm) => this.words.load(this.register(vcpu, Register.Since) + dimm)),
      })),
    };
  }

  /** To be set only while the machine is paused. */
  set state({ saves, dimms, vcpus }: MachineState) {
    this.words.store(Word.Saves, saves);
    dimms.forEach((generation, dimm) => void this.words.store(Word.Dimms + dimm, generation));
    for (const [vcpu, { steps, seen, since }] of vcpus.entries()) {
      this.setSteps(vcpu, steps);
      for (const [dimm, generation] of seen.entries()) this.see(vcpu, dimm, generation, since[dimm] as number);
    }
  }

  private register(vcpu: number, register: number): number {
    return REGISTERS + vcpu * REGISTERS_SIZE + register;
  }
}

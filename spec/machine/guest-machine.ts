/** A machine with a guest in it, as specs want one: RAM, a framebuffer, and the host's user of CODE. */
import { CodePages } from './code-pages.js';
import type { Guest } from './guests/guest.js';
import * as layout from './hart/layout.js';
import { Machine, type MachineOptions, MIB } from './machine.js';

export const RAM_BYTES = 24 * MIB;
export const FRAME = { offset: 64 * MIB, width: 320, height: 200, bytes: MIB } as const;
export const DIMM = { id: 'dimm', offset: 32 * MIB, size: MIB } as const;

/** How stores are tracked, where a spec has both ways, and what its title says: one is in the long form only. */
export const FORMS = [
  ['write-tlb', ''],
  ['each-store', ' @long'],
] as const;

export interface Verdict {
  /** Of each hart. */
  readonly rounds: readonly number[];
  readonly wrong: readonly number[];
}

/** A machine that runs a guest. */
export class GuestMachine {
  readonly machine: Machine;
  readonly code: CodePages | undefined;

  private constructor(machine: Machine, code: CodePages | undefined) {
    this.machine = machine;
    this.code = code;
  }

  /** Starts a guest from its beginning. */
  static async start(guest: Guest, options: MachineOptions): Promise<GuestMachine> {
    const machine = new Machine(options);
    machine.plug({ id: 'ram', offset: 0, size: RAM_BYTES }).set(guest.image);
    machine.plug({ id: 'frame', offset: FRAME.offset, size: FRAME.bytes });
    machine.board.set(layout.BOARD_FRAME_BASE, layout.RAM_BASE + FRAME.offset);
    machine.board.set(layout.BOARD_FRAME_WIDTH, FRAME.width);
    machine.board.set(layout.BOARD_FRAME_HEIGHT, FRAME.height);
    machine.boot({ entry: layout.RAM_BASE, sbi: true });
    const started = await GuestMachine.around(machine, options);
    await machine.start();
    return started;
  }

  /** Around a machine that has arrived or was restored. */
  static async around(machine: Machine, { tracking }: Pick<MachineOptions, 'tracking'>): Promise<GuestMachine> {
    return new GuestMachine(machine, tracking === 'none' ? undefined : await CodePages.begin(machine));
  }

  get verdict(): Verdict {
    const ofHarts = (register: number): number[] =>
      Array.from({ length: this.machine.harts }, (_, hart) => this.machine.board.get(register + 8 * hart));
    return { rounds: ofHarts(layout.BOARD_ROUNDS), wrong: ofHarts(layout.BOARD_WRONG) };
  }

  /** Resolves when each hart has done so many rounds more. Rejects with the error of a hart that has failed. */
  async rounds(more: number): Promise<void> {
    const before = this.verdict.rounds;
    const enough = (): boolean => this.verdict.rounds.every((rounds, i) => rounds >= (before[i] as number) + more);
    await this.until(enough);
  }

  /** Resolves when something is so, which is looked at in each turn of the event loop, and no hart has failed. */
  async until(isSo: () => boolean): Promise<void> {
    let failure: Error | undefined;
    this.machine.threads.down.catch((error: Error) => {
      failure = error;
    });
    while (!isSo()) {
      if (failure) throw failure;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  /** Asks the guest to stop. Resolves when it has powered the machine down. */
  async finish(): Promise<Verdict> {
    this.machine.board.set(layout.BOARD_STOP, 1);
    await this.machine.threads.down;
    return this.verdict;
  }

  async close(): Promise<void> {
    await this.code?.stop();
    await this.machine.close();
  }
}

/** Gives a guest's machine RAM up to 64 MiB in all. No page of it is zero, or like another one, and no hart stores there. */
export function growTo64MiB(machine: Machine): void {
  const bytes = machine.plug({ id: 'rest', offset: RAM_BYTES, size: 64 * MIB - RAM_BYTES - FRAME.bytes });
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  for (let i = 0; i < words.length; i++) words[i] = Math.imul(i, 0x9e3779b1);
}

/** @returns what is wrong with a verdict: too few rounds, or a result that a guest found wrong */
export function faultsOf({ rounds, wrong }: Verdict, leastRounds: number): string[] {
  return rounds.flatMap((count, hart) => [
    ...(count < leastRounds ? [`hart ${hart} has done ${count} rounds, not ${leastRounds}`] : []),
    ...(wrong[hart] !== 0 ? [`hart ${hart} has found ${wrong[hart]} wrong results`] : []),
  ]);
}

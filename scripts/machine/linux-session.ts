/**
 * A Linux machine in this process, with the terminal: prints what the guest prints, types what is typed, and follows the
 * machine by a replica, which is compared when the session ends.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { migrate } from 'dirtymem/migration';
import { CodePages } from '../../spec/machine/code-pages.js';
import type { Tracking } from '../../spec/machine/hart-module.js';
import type { Machine } from '../../spec/machine/machine.js';
import { Replica } from '../../spec/machine/replica.js';
import { exitCodeAfter } from '../interruption.js';
import { DimmSlot } from './dimm-slot.js';

const DESTINATION = fileURLToPath(new URL('./linux-destination.ts', import.meta.url));
const CONTROL_A = 1;
const DOWNTIME_MS = 300;
const SLOT_MS = 100;

export interface SessionOptions {
  readonly machine: Machine;
  readonly tracking: Tracking;
  readonly harvestMs: number;
}

/** What a process that receives a machine is told by its arguments, in this order. */
export type DestinationArguments = readonly [harts: string, tracking: string, harvestMs: string];

export class LinuxSession {
  private readonly options: SessionOptions;
  private readonly code: CodePages;
  private readonly replica: Replica;
  private readonly slot: DimmSlot;
  private readonly ended: Promise<number>;
  private finish!: (exitCode: number) => void;
  private isOver = false;
  /** Resolves when a move has ended, either way. */
  private moving: Promise<void> | undefined;
  private destination: ChildProcess | undefined;
  /** Resolves when the slot was looked at for the last time. */
  private looking: Promise<void> = Promise.resolve();
  private isCommand = false;

  /** @param interruption ends the session */
  static async begin(options: SessionOptions, interruption: AbortSignal): Promise<LinuxSession> {
    const code = await CodePages.begin(options.machine);
    const replica = await Replica.begin(options.machine, 'replica');
    return new LinuxSession(options, code, replica, interruption);
  }

  private constructor(options: SessionOptions, code: CodePages, replica: Replica, interruption: AbortSignal) {
    this.options = options;
    this.code = code;
    this.replica = replica;
    this.slot = new DimmSlot(options.machine);
    this.ended = new Promise((resolve) => {
      this.finish = (exitCode) => {
        this.isOver = true;
        resolve(exitCode);
      };
    });
    const { threads } = options.machine;
    threads.onPrint = (text) => process.stdout.write(text);
    threads.down.then(() => this.finish(0), this.fail);
    interruption.addEventListener('abort', () => this.interrupt(exitCodeAfter(interruption)));
    this.takeTerminal();
    replica.follow(options.harvestMs);
  }

  /** Resolves with the exit code when the guest has powered down, the session was ended, or the machine has moved. */
  async end(): Promise<number> {
    const timer = setInterval(() => this.lookAtSlot(), SLOT_MS);
    const exitCode = await this.ended;
    clearInterval(timer);
    await this.moving; // the engine has to be there until then
    await this.looking;
    this.leaveTerminal();
    await this.replica.rest();
    await this.options.machine.pause(); // for good: after a move the machine must not run here
    const differing = this.replica.differing();
    console.log(`\n${this.replica.harvests} harvests; ${differing.length} pages differ from the replica`);
    await this.replica.stop();
    await this.code.stop();
    await this.options.machine.close();
    return differing.length > 0 ? 1 : exitCode;
  }

  /** Moves the machine to another process, which goes on with the terminal. One move at a time. */
  move(): void {
    if (this.isOver) return;
    this.moving ??= this.moveNow().then(this.finish, (error) => {
      this.moving = undefined; // it is still here
      if (!this.isOver) this.takeTerminal();
      console.error(`\nthe machine has not moved: ${(error as Error).message}`);
    });
  }

  private async moveNow(): Promise<number> {
    const { machine, tracking, harvestMs } = this.options;
    const args: DestinationArguments = [String(machine.harts), tracking, String(harvestMs)];
    const destination = fork(DESTINATION, [...args], { execArgv: process.execArgv });
    this.destination = destination;
    const exited = once(destination, 'exit') as Promise<[number | null]>;
    const [port] = (await Promise.race([once(destination, 'message'), failed(exited)])) as [number];
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    this.leaveTerminal();
    const { rounds, downtimeMs } = await migrate(machine, socket, { downtimeMs: DOWNTIME_MS }).result;
    console.log(`\nmoved in ${rounds} rounds, paused for ${downtimeMs.toFixed(0)} ms`);
    const [exitCode] = await exited;
    return exitCode ?? 1;
  }

  /** Ends the session, wherever the machine is. */
  private interrupt(exitCode: number): void {
    this.finish(exitCode);
    this.destination?.kill();
  }

  private lookAtSlot(): void {
    this.looking = this.slot.look().then(this.tell, this.fail);
  }

  private readonly tell = (what: string | undefined): void => {
    if (what !== undefined) console.log(`\n${what}`);
  };

  private readonly fail = (error: unknown): void => {
    console.error(error);
    this.finish(1);
  };

  private takeTerminal(): void {
    if (process.stdin.isTTY) process.stdin.setRawMode(true);
    process.stdin.off('data', this.onKeys); // a move may fail before the terminal is left
    process.stdin.on('data', this.onKeys).resume();
  }

  private leaveTerminal(): void {
    process.stdin.off('data', this.onKeys);
    if (process.stdin.isTTY) process.stdin.setRawMode(false);
    process.stdin.pause();
  }

  private readonly onKeys = (keys: Buffer): void => {
    for (const key of keys) {
      if (this.isCommand) this.command(String.fromCharCode(key));
      else if (key !== CONTROL_A) this.options.machine.board.type(key);
      this.isCommand = !this.isCommand && key === CONTROL_A;
    }
  };

  private command(key: string): void {
    if (key === 'x') this.interrupt(0);
    if (key === 'm') this.move();
    if (key === 'd') this.tell(this.slot.press());
  }
}

async function failed(exited: Promise<[number | null]>): Promise<never> {
  const [exitCode] = await exited;
  throw new Error(`the other process has ended with ${exitCode}`);
}

/** Goes back to earlier states of the machine, which it saves in memory as increments while the machine runs. */
import { beginChain, continueChain, type MemoryStore, memoryStore, type StateChain } from 'dirtymem/save-states';
import type { Turns } from '../turns.js';
import type { RestorableMachine } from './restorable-machine.js';

const EVERY_MS = 1000;
/** When the chain is longer than this, it is compacted, and the states before are forgotten. */
const MOST_BYTES = 128 * 2 ** 20;
const NAME = 'rewinder';

export interface RewindState {
  readonly sequence: number;
  readonly at: Date;
  /** Pages that the state has. */
  readonly pages: number;
}

export class Rewinder {
  states: RewindState[] = [];
  /** Which of the states the machine was put back to; undefined while it runs on from the last. */
  backAt: number | undefined;
  onChange: (() => void) | undefined;
  recording = false;
  private readonly machine: RestorableMachine;
  private readonly turns: Turns;
  private readonly failed: (error: Error) => void;
  private store: MemoryStore = memoryStore();
  private chain: StateChain | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(machine: RestorableMachine, turns: Turns, failed: (error: Error) => void) {
    this.machine = machine;
    this.turns = turns;
    this.failed = failed;
  }

  /** The bytes of all states. */
  get bytes(): number {
    return this.chain?.bytes ?? 0;
  }

  /** Begins and ends to save states. The states that are there stay. */
  record(on: boolean): void {
    this.recording = on;
    clearTimeout(this.timer);
    if (on) this.timer = setTimeout(() => this.tick(), EVERY_MS);
  }

  private tick(): void {
    this.turns
      .alone(() => this.save())
      .catch(this.failed)
      .finally(() => this.record(this.recording && !this.turns.ended));
  }

  private async save(): Promise<void> {
    if (!this.recording || this.turns.paused || this.backAt !== undefined) return;
    this.chain ??= await beginChain(this.machine, this.store, { name: NAME });
    if (this.chain.bytes > MOST_BYTES) {
      await this.chain.compact();
      this.states = this.states.slice(-1);
    }
    const { sequence, pages } = await this.chain.save();
    this.states.push({ sequence, at: new Date(), pages });
    this.onChange?.();
  }

  /** Puts the machine, which stands still, back to one of the states. */
  async goTo(index: number): Promise<void> {
    const state = this.states[index];
    if (state === undefined) throw new RangeError(`there is no state ${index}`);
    await this.chain?.stop();
    this.chain = undefined;
    await this.machine.restore(this.store, { sequence: state.sequence });
    this.backAt = index;
    this.onChange?.();
  }

  /** Runs on from the state that the machine was put back to; those that came after it are forgotten. */
  async goOn(): Promise<void> {
    const state = this.backAt === undefined ? undefined : this.states[this.backAt];
    if (state === undefined) return;
    this.chain = await continueChain(this.machine, this.store, { sequence: state.sequence, name: NAME });
    this.states = this.states.slice(0, (this.backAt as number) + 1);
    this.backAt = undefined;
    this.onChange?.();
  }

  /** Another state was restored: the states here do not lead to it. */
  async forget(): Promise<void> {
    await this.chain?.stop();
    this.chain = undefined;
    this.store = memoryStore();
    this.states = [];
    this.backAt = undefined;
    this.onChange?.();
  }

  async stop(): Promise<void> {
    this.record(false);
    await this.chain?.stop();
    this.chain = undefined;
  }
}

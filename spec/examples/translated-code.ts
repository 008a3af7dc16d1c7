/** The parts of `spec/examples/translated-code.mjs`, with their types. */
import type { MessagePort } from 'node:worker_threads';
import type { DirtyMemory } from '../../lib/index.js';
import type { Vcpu } from '../../lib/vcpu.js';

export interface ToldVcpu {
  readonly port: MessagePort;
  readonly mail: Int32Array;
}

export interface CodePages {
  readonly memory: DirtyMemory;
  clean(page: number): Promise<void>;
  tell(message: { page: number; clean: boolean }): void;
}

export interface Translations extends ToldVcpu {
  readonly vcpu: Vcpu;
  readonly pages: Map<number, Map<number, unknown>>;
  /** How many blocks were translated. */
  readonly made: number;
  isDirty(page: number): boolean;
  store(pc: number, addr: number, access: () => void): boolean;
  listen(): void;
}

export interface Cpu {
  readonly translations: Translations;
  readonly out: number[];
  pc: number;
  step(): boolean;
  run(entry: number): void;
}

type Constructor<T, Parameters extends unknown[]> = new (...args: Parameters) => T;

export interface Protocol {
  readonly CodePages: Constructor<CodePages, [DirtyMemory, ToldVcpu[]]>;
  readonly Translations: Constructor<Translations, [Vcpu, Uint8Array, MessagePort, Int32Array]>;
}

const example = (file: string) => import(new URL(`./translated-code-${file}.mjs`, import.meta.url).href);
export const protocol: Protocol = await example('pages');
export const machine = await example('machine');

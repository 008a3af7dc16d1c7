import type { DirtyMemory, PageSet } from '../../lib/index.js';
import type { State, StateHeader } from './save-states-file.mjs';

export type Next = Pick<StateHeader, 'sequence' | 'parent'>;

export interface SaveStatesOptions {
  readonly memory: DirtyMemory;
  readonly pageSize: number;
  readonly contents: ReadonlyMap<string, Uint8Array>;
  readonly folder: string;
  readonly stopped: (body: () => State) => State | Promise<State>;
  readonly collect: (into: PageSet) => unknown;
  readonly next?: Next;
}

export class SaveStates {
  constructor(options: SaveStatesOptions);
  readonly memory: DirtyMemory;
  protected unsaved: PageSet;
  save(): Promise<State>;
}

export interface RestoredMachine {
  readonly pageSize?: number;
  readonly blocks: readonly {
    readonly id: string;
    readonly offset: number;
    readonly size: number;
    readonly bytes: Uint8Array;
  }[];
  readonly next: Next;
  readonly end: 'missing' | 'torn' | 'another chain';
}

export function restore(folder: string, options?: { readonly maxRamBytes?: number }): Promise<RestoredMachine>;

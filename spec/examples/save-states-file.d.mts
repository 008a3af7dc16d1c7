import type { FileHandle } from 'node:fs/promises';

export interface StateHeader {
  readonly sequence: number;
  /** Digest of the state that this one goes on from; null for the first. */
  readonly parent: string | null;
  readonly pageSize: number;
  readonly blocks: readonly { readonly id: string; readonly offset: number; readonly size: number }[];
  readonly runs: readonly { readonly start: number; readonly length: number; readonly zero: boolean }[];
}

export interface State extends StateHeader {
  readonly contents: readonly Uint8Array[];
}

export function statePath(folder: string, sequence: number): string;
export function writeState(folder: string, state: State): Promise<string>;
export function readHeader(
  file: FileHandle,
  maxRamBytes: number,
): Promise<(StateHeader & { digest: string; contentsAt: number }) | undefined>;
export function readInto(file: FileHandle, bytes: Uint8Array, position: number): Promise<Uint8Array>;

/**
 * One way of tracking dirty pages, as small as it can be and still be right: what the owner does, and what a vCPU does.
 *
 * RAM is `basePages`, and above it as many DIMMs as were plugged, one on another. All of it is one client's. New RAM is
 * all dirty. A vCPU stores and marks in one interval, between two calls of `quiescent`, and is offline while it waits:
 * what a collection has found is then safe to copy when it resolves.
 */
import type { MessagePort } from 'node:worker_threads';

export interface Shape {
  /** Of all counts of pages: multiples of 32. */
  readonly basePages: number;
  readonly dimmPages: number;
  readonly mostDimms: number;
  /** Where a design has blocks. A power of two, 64 at least. */
  readonly pagesPerBlock: number;
  readonly vcpus: number;
}

/** What a vCPU's thread is given; it survives structured clone. */
export interface Ticket {
  readonly data: unknown;
  readonly ports: readonly MessagePort[];
}

/** Of one thread. Its operations never overlap: the next begins when the one before has resolved. */
export interface DesignOwner {
  /** Once for each vCPU, from 0. */
  ticket(vcpu: number): Ticket;
  /** Adds a DIMM, all dirty. */
  plug(): Promise<void>;
  /** Takes the highest DIMM away; no vCPU marks there any more, nor has a store in it that it has not marked. */
  unplug(): Promise<void>;
  /** Moves what is dirty to what is taken. @returns how many pages are newly taken */
  harvest(): Promise<number>;
  taken(page: number): boolean;
  /** Empties what is taken. */
  forget(): void;
  /** Every vCPU is detached. */
  close(): Promise<void>;
}

/** Of the thread that opened it, online from then on. */
export interface DesignVcpu {
  mark(page: number): void;
  /** Marks `pages[from]` up to `pages[end - 1]`. A loop of the design's own, so that it is compiled for it alone. */
  markAll(pages: Int32Array, from: number, end: number): void;
  /** Marks `first` up to `end - 1`, one page at least, in the design's best way to mark a run of pages. */
  markRange(first: number, end: number): void;
  quiescent(): void;
  goOffline(): void;
  goOnline(): void;
  detach(): void;
}

export interface Design {
  /** For the table. */
  readonly title: string;
  /** May a vCPU mark before it stores? */
  readonly markFirst: boolean;
  open(shape: Shape): DesignOwner;
  attach(data: never): DesignVcpu;
}

export function mostPages({ basePages, dimmPages, mostDimms }: Shape): number {
  return basePages + dimmPages * mostDimms;
}

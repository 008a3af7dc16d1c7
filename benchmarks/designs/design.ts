/**
 * A design: one way of tracking dirty pages, as small as it can be while it is still correct. It has an owner's part
 * and a vCPU's part.
 *
 * RAM consists of `basePages`, and above them the plugged DIMMs, one directly above the other. There is only one
 * client. New RAM is all dirty. A vCPU stores and marks in one interval, between two calls of `quiescent`, and is
 * offline while it waits. When a collection resolves, the collected pages can be copied safely.
 */
import type { MessagePort } from 'node:worker_threads';

export interface Shape {
  /** This count and the next one of pages are multiples of 32. */
  readonly basePages: number;
  readonly dimmPages: number;
  readonly mostDimms: number;
  /** For designs with bitmap blocks: a power of two, at least 64. */
  readonly pagesPerBlock: number;
  readonly vcpus: number;
}

/** What a vCPU's thread gets from the owner. It can be sent by structured clone. */
export interface Ticket {
  readonly data: unknown;
  readonly ports: readonly MessagePort[];
}

/** The owner's part. It is used by one thread, and each operation begins only when the previous one has resolved. */
export interface DesignOwner {
  /** To be called once for each vCPU, numbered from 0. */
  ticket(vcpu: number): Ticket;
  /** Adds a DIMM, all dirty. */
  plug(): Promise<void>;
  /** Unplugs the highest DIMM. vCPUs do not mark there any more, and have marked all their stores there. */
  unplug(): Promise<void>;
  /** Moves all dirty pages to the taken pages. @returns how many pages were not taken before */
  harvest(): Promise<number>;
  taken(page: number): boolean;
  /** Empties the set of taken pages. */
  forget(): void;
  /** To be called when every vCPU is detached. */
  close(): Promise<void>;
}

/** The vCPU's part. Only the thread that opened it uses it; it is online from then on. */
export interface DesignVcpu {
  mark(page: number): void;
  /**
   * Marks `pages[from]` to `pages[end - 1]`. Each design has its own loop, so that V8 compiles the loop for this design
   * alone.
   */
  markAll(pages: Int32Array, from: number, end: number): void;
  /** Marks the pages `first` to `end - 1`, at least one, in the design's best way to mark a run of pages. */
  markRange(first: number, end: number): void;
  quiescent(): void;
  goOffline(): void;
  goOnline(): void;
  detach(): void;
}

export interface Design {
  /** The name in tables. */
  readonly title: string;
  /** Whether a vCPU may mark a page before it stores to it. */
  readonly markFirst: boolean;
  open(shape: Shape): DesignOwner;
  attach(data: never): DesignVcpu;
}

export function mostPages({ basePages, dimmPages, mostDimms }: Shape): number {
  return basePages + dimmPages * mostDimms;
}

/** The kinds of recorded events, and what `a` and `b` of each mean. Those below 16 stand in readers' rings. */
export const Kind = {
  /** A reader has attached. a: its identity, b: how many events the slot had then. Its name follows. */
  Attach: 1,
  /** The next eight bytes of the reader's name, in UTF-8. */
  Name: 2,
  /** Whose ring it is, said again before the attaching is overwritten. a and b: as then. The name follows. */
  Tenant: 9,
  /** The reader has left. */
  Detach: 3,
  /** An interval begins after a time offline, or the first one. a: the grace-period number, b: the interval's. */
  Online: 4,
  /** The reader reports: an interval ends and another one begins. a and b as above. */
  Report: 5,
  /** The reader goes offline. a: why, of `Offline`. */
  Offline: 6,
  /** The outermost read-side section begins. */
  Section: 7,
  SectionEnd: 8,

  /** The owner has published new block tables. a: why, of `Published`. b: the mask of the clients. */
  Publish: 16,
  /** A grace period begins. a: its number, b: its cookie. */
  Number: 17,
  /** It has ended. a and b as above. */
  Complete: 18,
  /** The owner is about to sleep until a reader has reported. a: the reader's position. b: are others to give way? */
  Sleep: 19,
  /** An operation waits for a grace period. a: which, of `OPERATIONS`. b: the period's cookie. */
  Wait: 20,
  /** A collection has taken its bits. a: which, by `collectionNumber`. */
  Clear: 21,
  /** It hands pages over. a: as above. b: how many, with those that others have collected. */
  Deliver: 22,
  /** It has failed, and its bits go back when a grace period has ended. a: as above. */
  GiveBack: 23,
  /** RAM has come or gone. a: its first page. b: how many pages. */
  Plug: 25,
  Unplug: 26,
  Discard: 27,
  Populate: 28,
  Grow: 29,
  Shrink: 30,
  /** The grace period of what has gone has ended: the place may be used again. a, b: as above. */
  Free: 31,
  /** The readers of a thread that is gone were retired. a: its identity. b: how many. */
  Retire: 32,
} as const;

/** Why a reader has gone offline: by its own call, to give way (GP-8), because of its rate limit, or to detach. */
export const Offline = { Call: 0, GiveWay: 1, Limit: 2, Detach: 3 } as const;
export type OfflineReason = (typeof Offline)[keyof typeof Offline];

/** Why block tables were published. */
export const Published = { Extend: 0, Shrink: 1, Swap: 2, Track: 3, Stop: 4 } as const;
export type PublishReason = (typeof Published)[keyof typeof Published];

/** The names of operations, of which an event has the index. 0 stands for any other. */
export const OPERATIONS = [
  'other',
  'harvest',
  'syncBitmap',
  'snapshotAndClear',
  'testAndClear',
  'measureDirtyRate',
  'track',
  'stop',
  'unplug',
  'discard',
  'resize',
  'synchronize',
  'close',
] as const;

export function operationNumber(name: string): number {
  return Math.max(0, (OPERATIONS as readonly string[]).indexOf(name.replace('whileStopped.', '')));
}

/** @returns the operation and the client, in one number */
export function collectionNumber(operation: string, client: number): number {
  return (operationNumber(operation) << 3) | client;
}

/** Where a chain is kept. */

/**
 * A sequence of bytes that outlives the machine. Calls come one at a time, but for reads while `replace` is under way. One chain
 * uses it at a time.
 */
export interface StateStore {
  /**
   * Copies bytes from the position on. Of a store in which nothing was ever written there are none.
   * @returns how many there were, at most `into.length`; fewer only where the bytes end
   */
  read(position: number, into: Uint8Array): Promise<number>;
  /**
   * Cuts off what is behind the position, and writes the pieces there. Resolves when they are kept, whatever happens then. The
   * pieces belong to the store. What asking for them throws is thrown on; when it rejects, there may be anything behind the position.
   * It must reject, with nothing changed, when there are fewer bytes: somebody else has written to it.
   */
  append(position: number, pieces: AsyncIterable<Uint8Array>): Promise<void>;
  /**
   * The pieces take the place of all that there is, in one step: until it resolves, and when it rejects, reads find what was there
   * before.
   */
  replace(pieces: AsyncIterable<Uint8Array>): Promise<void>;
}

/** How a file is written. */
export interface FileStoreOptions {
  /**
   * Wait until what was written is on the disk, where a power failure leaves it. Without it, it is there when this process has
   * been killed, and not when the machine has stopped. Default true.
   */
  readonly sync?: boolean;
}

/** A hole would be found only when the chain is restored. @throws RangeError when there are fewer bytes than the position */
export function checkReaches(bytes: number, position: number): void {
  if (bytes >= position) return;
  throw new RangeError(
    `there are ${bytes} bytes of the ${position} that were written: somebody else has written to the store`,
  );
}

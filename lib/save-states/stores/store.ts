/** The interface of the stores that keep a chain. */

/**
 * A sequence of bytes that outlives the machine. Calls come one at a time, except that `read` may be called while
 * `replace` is under way. Only one chain may use a store at a time.
 */
export interface StateStore {
  /**
   * Copies bytes from the position on to `into`. A store that was never written to has no bytes.
   * @returns how many bytes were copied: `into.length`, or fewer where the bytes of the store end
   */
  read(position: number, into: Uint8Array): Promise<number>;
  /**
   * Cuts off the bytes after the position, and writes the pieces there. Resolves when the pieces are kept, whatever
   * happens later. The pieces belong to the store. An error that iterating over them throws must be thrown on. After a
   * rejection there may be any bytes after the position. It must reject, with nothing changed, when the store has fewer
   * bytes than the position, because then somebody else has written to the store.
   */
  append(position: number, pieces: AsyncIterable<Uint8Array>): Promise<void>;
  /**
   * Replaces all bytes of the store by the pieces, in one step: until it resolves, and after it rejects, reads find the
   * old bytes.
   */
  replace(pieces: AsyncIterable<Uint8Array>): Promise<void>;
}

/** The options of `fileStore`. */
export interface FileStoreOptions {
  /**
   * Wait until written bytes are on the disk, so that they survive a power failure? With false they survive when this
   * process is killed, but may be lost when the host stops. Default true.
   */
  readonly sync?: boolean;
}

/**
 * Checks before a write, because a hole in the chain would be found only when the chain is restored.
 * @throws RangeError when the store has fewer bytes than the position
 */
export function checkReaches(bytes: number, position: number): void {
  if (bytes >= position) return;
  throw new RangeError(
    `there are ${bytes} bytes of the ${position} that were written: somebody else has written to the store`,
  );
}

/** The connection that a migration runs over. */

/**
 * An ordered stream of bytes in both directions. A Node Duplex such as `net.Socket` is such a stream. From the call on
 * the stream belongs to the migration, which destroys it at the end.
 *
 * Other connections need an adapter. `write` returns false when the writer should wait, and `drain` is emitted when the
 * writer may go on. Bytes are read by asynchronous iteration, which ends when the peer ends its side and throws when
 * the connection is lost. `error` is emitted for errors of writing too. The migration does not change bytes after it
 * has passed them to `write`. An error that any method throws counts as the loss of the connection.
 */
export interface ByteStream extends AsyncIterable<Uint8Array> {
  /** @returns true, or false when the writer should wait for `drain`; the bytes are accepted in both cases */
  write(bytes: Uint8Array): boolean;
  /** Ends writing. Bytes that were written before are still sent. */
  end(): unknown;
  /** Ends both directions at once. */
  destroy(): unknown;
  /** Is called if it exists: the last messages are small, and must not wait for each other (40 ms over TCP). */
  setNoDelay?(on: true): unknown;
  /** 'drain' says that more may be written. */
  on(event: 'drain', listener: () => void): unknown;
  /** 'error' says that nothing more can be written. */
  on(event: 'error', listener: (error: Error) => void): unknown;
  /** Removes a listener that `on` added. */
  off(event: 'drain', listener: () => void): unknown;
}

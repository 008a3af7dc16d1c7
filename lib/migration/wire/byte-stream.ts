/** The connection that a migration runs over. */

/**
 * An ordered stream of bytes in both directions, of which a Node Duplex such as `net.Socket` is one as it is. It belongs to
 * the migration from the call on, and is destroyed when the migration has ended.
 *
 * Others need an adapter: `write` returns false when the writer should wait, and `drain` is emitted when it need not any
 * more; what is read comes by asynchronous iteration, which ends at the peer's end and throws when the connection is lost;
 * `error` is emitted for errors of writing too. Bytes that were handed to `write` are not changed afterwards. What a method
 * throws is taken for the loss of the connection.
 */
export interface ByteStream extends AsyncIterable<Uint8Array> {
  /** @returns true, or false when the writer should wait for `drain`; the bytes are accepted nevertheless */
  write(bytes: Uint8Array): boolean;
  /** No more will be written. What was written still goes out. */
  end(): unknown;
  /** At once, in both directions. */
  destroy(): unknown;
  /** Called if there is one: the last messages are small, and must not wait for each other (40 ms over TCP). */
  setNoDelay?(on: true): unknown;
  /** More may be written. */
  on(event: 'drain', listener: () => void): unknown;
  /** Nothing more can be written. */
  on(event: 'error', listener: (error: Error) => void): unknown;
  /** Ends what `on` began. */
  off(event: 'drain', listener: () => void): unknown;
}

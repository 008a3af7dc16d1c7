/** Packs and unpacks the bodies of records, by the platform's deflate (RFC 1951). */
import { Draft, MAX_BODY } from './record.js';
import { malformed, SaveStateError } from './save-state-error.js';

const FORMAT = 'deflate-raw';

/** @returns the packed record, or the record itself when packing does not make it shorter */
export async function pack(draft: Draft): Promise<Draft> {
  const { type, body } = draft;
  const packed = new Draft(type, body.length);
  try {
    await pump(body, new CompressionStream(FORMAT), (piece) => {
      if (piece.length > packed.room) throw new Longer();
      packed.put(piece);
    });
  } catch (error) {
    if (error instanceof Longer) return draft;
    throw error;
  }
  if (packed.body.length >= body.length) return draft;
  packed.unpacked = body.length;
  return packed;
}

/** Thrown when the packed body is longer than the unpacked one. */
class Longer extends Error {}

/**
 * @param length the unpacked length in bytes, at most `MAX_BODY`. No more bytes are made, whatever the body contains
 * @throws SaveStateError
 */
export async function unpack(body: Uint8Array<ArrayBuffer>, length: number, into: Uint8Array): Promise<Uint8Array> {
  if (!('DecompressionStream' in globalThis)) {
    throw new SaveStateError('format', 'the states are compressed, and there is no DecompressionStream here');
  }
  if (length > MAX_BODY) throw new RangeError(`unpack: ${length} bytes`);
  let filled = 0;
  try {
    await pump(body, new DecompressionStream(FORMAT), (piece) => {
      if (filled + piece.length > length)
        throw malformed(`a record of ${length} bytes that has more when it is unpacked`);
      into.set(piece, filled);
      filled += piece.length;
    });
  } catch (error) {
    throw error instanceof SaveStateError ? error : malformed('a record that cannot be unpacked');
  }
  if (filled !== length) throw malformed(`a record of ${length} bytes that has ${filled} when it is unpacked`);
  return into.subarray(0, length);
}

/** @param take receives the output piece by piece; when it throws, no more output is made */
async function pump(
  bytes: Uint8Array<ArrayBuffer>,
  stream: GenericTransformStream,
  take: (piece: Uint8Array) => void,
): Promise<void> {
  const writer = stream.writable.getWriter();
  const written = writer.write(bytes).then(() => writer.close());
  written.catch(() => {}); // reading fails with the same error
  const reader: ReadableStreamDefaultReader<Uint8Array> = stream.readable.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      take(value);
    }
  } catch (error) {
    await reader.cancel(error).catch(() => {}); // the stream may have failed already
    throw error;
  }
  await written;
}

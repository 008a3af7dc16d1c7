/** Makes text from elsewhere safe to show in our messages. */

/** Characters that terminals and logs interpret instead of showing them, and characters that cannot be encoded. */
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/gu;

/**
 * @param most the longest result in UTF-16 units; longer text is cut
 * @returns one line, with U+FFFD instead of each character that cannot be shown
 */
export function printable(text: string, most: number): string {
  const shown = text.length > most ? `${text.slice(0, most - 1)}…` : text;
  return shown.replace(UNPRINTABLE, '\ufffd');
}

/** A RAM block's id, quoted. */
export function showId(id: string): string {
  return `'${printable(id, 64)}'`;
}

/** Text that somebody else chose, as it may stand in a message of ours. */

/** What terminals and logs do something else with than show it, and what cannot be encoded. */
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/gu;

/** @param most UTF-16 units; what is longer is cut. @returns one line, with U+FFFD in the place of what cannot be shown */
export function printable(text: string, most: number): string {
  const shown = text.length > most ? `${text.slice(0, most - 1)}…` : text;
  return shown.replace(UNPRINTABLE, '\ufffd');
}

/** A RAM block's id, quoted. */
export function showId(id: string): string {
  return `'${printable(id, 64)}'`;
}

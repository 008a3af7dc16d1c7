/** Numbers as people read them. */

const UNITS = ['', 'k', 'M', 'G'] as const;

/** Three digits, and what they count in. */
export function short(value: number): string {
  let unit = 0;
  let rest = value;
  while (rest >= 1000 && unit < UNITS.length - 1) {
    rest /= 1000;
    unit++;
  }
  return `${unit === 0 ? Math.round(rest) : rest.toPrecision(3)}${unit === 0 ? '' : ' '}${UNITS[unit]}`;
}

export function bytes(value: number): string {
  if (value < 2 ** 10) return `${value} B`;
  return value < 2 ** 20 ? `${Math.round(value / 2 ** 10)} KiB` : `${(value / 2 ** 20).toFixed(1)} MiB`;
}

export function duration(ms: number): string {
  if (ms < 1) return `${Math.round(ms * 1000)} µs`;
  return ms < 1000 ? `${ms.toPrecision(3)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

export const hex = (value: number, digits = 8): string => `0x${value.toString(16).padStart(digits, '0')}`;

/** Formats numbers for people. */

/** @returns the number with three significant digits, or as a whole number if it has more */
export function show(value: number): string {
  const digits = Math.abs(value) >= 100 || value === 0 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  const rounded = Number(value.toFixed(Math.min(digits, 100)));
  return rounded.toLocaleString('en-US', { maximumFractionDigits: Math.min(digits, 20) });
}

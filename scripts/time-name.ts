/** @returns a time with a unit that suits its size, and three digits */
export function timeName(micros: number): string {
  const [value, unit] = micros >= 1e6 ? [micros / 1e6, 's'] : micros >= 1000 ? [micros / 1000, 'ms'] : [micros, 'us'];
  return `${Number(value.toPrecision(3))} ${unit}`;
}

/** A line of small bars for a terminal: how a value went, from left to right. */
const BARS = '▁▂▃▄▅▆▇█';

/** @param most how many bars; more values are averaged. @returns '' for no values. 0 is the lowest bar */
export function sparkline(values: readonly number[], most = 40): string {
  const bars = Math.min(most, values.length);
  const means = Array.from({ length: bars }, (_, bar) => {
    const from = Math.floor((bar * values.length) / bars);
    const part = values.slice(from, Math.floor(((bar + 1) * values.length) / bars));
    return part.reduce((sum, value) => sum + value, 0) / part.length;
  });
  const top = Math.max(...means, 0);
  return means.map((mean) => BARS[top === 0 ? 0 : Math.round((mean / top) * (BARS.length - 1))]).join('');
}

/** The colours of the style sheet, for what is drawn on canvases; they change with the scheme, light or dark. */

const read = new Map<string, string>();
const dark = matchMedia('(prefers-color-scheme: dark)');
dark.addEventListener('change', () => read.clear());

/** @param name of a custom property, without its dashes */
export function colour(name: string): string {
  let value = read.get(name);
  if (value === undefined) {
    value = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
    read.set(name, value);
  }
  return value;
}

export function onSchemeChange(changed: () => void): void {
  dark.addEventListener('change', changed);
}

/** A colour that the style sheet has in six hexadecimal digits, as a pixel of a canvas. */
export function pixel(name: string): number {
  const rgb = Number.parseInt(colour(name).slice(1), 16);
  return (0xff000000 | ((rgb & 0xff) << 16) | (rgb & 0xff00) | (rgb >>> 16)) >>> 0;
}

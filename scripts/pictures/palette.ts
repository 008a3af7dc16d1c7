/** The colours of the pictures, for pages that are light and pages that are dark. */

export interface Scheme {
  /** Behind everything: a picture has its own ground, so that it is legible whatever the page around it looks like. */
  readonly paper: string;
  /** Text, by its colour's name. */
  readonly text: Readonly<Record<TextColour, string>>;
  /** What boxes are filled with. Text of every colour stands on each of them. */
  readonly fill: Readonly<Record<FillColour, string>>;
  /** Lines, arrows and borders, and the lines and bars of charts. */
  readonly line: Readonly<Record<LineColour, string>>;
}

export const TEXT_COLOURS = ['ink', 'faint', 'blue', 'green', 'red', 'amber'] as const;
export const FILL_COLOURS = ['plain', 'blue', 'green', 'red', 'amber'] as const;
export const LINE_COLOURS = ['ink', 'faint', 'blue', 'green', 'red', 'amber', 'violet'] as const;
export type TextColour = (typeof TEXT_COLOURS)[number];
export type FillColour = (typeof FILL_COLOURS)[number];
export type LineColour = (typeof LINE_COLOURS)[number];

export const LIGHT: Scheme = {
  paper: '#ffffff',
  text: { ink: '#1f2328', faint: '#59636e', blue: '#0550ae', green: '#0f5323', red: '#a40e26', amber: '#6b4300' },
  fill: { plain: '#f3f5f8', blue: '#ddefff', green: '#dbf5e1', red: '#ffe8e6', amber: '#fff3cd' },
  line: {
    ink: '#1f2328',
    faint: '#818b98',
    blue: '#0969da',
    green: '#1a7f37',
    red: '#cf222e',
    amber: '#9a6700',
    violet: '#8250df',
  },
};

export const DARK: Scheme = {
  paper: '#0d1117',
  text: { ink: '#f0f6fc', faint: '#a3adb8', blue: '#8cc4ff', green: '#6fdd8b', red: '#ffa198', amber: '#f0b72f' },
  fill: { plain: '#1c232c', blue: '#10294a', green: '#0f2f1b', red: '#3d1417', amber: '#332500' },
  line: {
    ink: '#f0f6fc',
    faint: '#768390',
    blue: '#4493f8',
    green: '#3fb950',
    red: '#f85149',
    amber: '#d29922',
    violet: '#ab7df8',
  },
};

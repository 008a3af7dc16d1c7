/** The pictures of the documents: drawn by their scripts, and legible on pages that are light and pages that are dark. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import { PICTURES, PICTURES_FOLDER } from '../../scripts/draw-pictures.js';
import { DARK, LIGHT, type Scheme } from '../../scripts/pictures/palette.js';
import { Picture } from '../../scripts/pictures/svg.js';

/** What WCAG 2 asks of text, and of what is not text. */
const TEXT_CONTRAST = 4.5;
const LINE_CONTRAST = 3;

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

/** The pairs of colours that are too near to each other, such as "text blue on fill red". */
function faint({ paper, text, fill, line }: Scheme): string[] {
  const grounds = Object.entries({ paper, ...fill });
  const weak = (kind: string, colours: Readonly<Record<string, string>>, least: number, on: typeof grounds): string[] =>
    Object.entries(colours).flatMap(([name, colour]) =>
      on.filter(([, ground]) => contrast(colour, ground) < least).map(([ground]) => `${kind} ${name} on ${ground}`),
    );
  return [...weak('text', text, TEXT_CONTRAST, grounds), ...weak('line', line, LINE_CONTRAST, [['paper', paper]])];
}

describe('The pictures', () => {
  for (const [name, draw] of Object.entries(PICTURES)) {
    it(`${name}.svg is what its script draws (npm run pictures)`, () => {
      expect(readFileSync(new URL(`${name}.svg`, PICTURES_FOLDER), 'utf8')).to.equal(draw().toString());
    });

    it(`${name}.svg says in words what it shows`, () => {
      const { title, description } = draw();
      expect(title.length).to.be.above(10);
      expect(description.length).to.be.above(title.length);
    });
  }

  it('are all drawn by a script', () => {
    const drawn = [...Object.keys(PICTURES), 'contention'].map((name) => `${name}.svg`);
    expect(readdirSync(PICTURES_FOLDER).sort()).to.deep.equal(drawn.sort());
  });

  for (const [name, scheme] of Object.entries({ LIGHT, DARK })) {
    it(`have enough contrast in the scheme ${name}, each text on each ground`, () => {
      expect(faint(scheme)).to.deep.equal([]);
    });

    it(`would be found to have too little in the scheme ${name}`, () => {
      const { red } = scheme.line;
      expect(faint({ ...scheme, text: { ...scheme.text, ink: scheme.fill.plain } })).to.include('text ink on plain');
      expect(faint({ ...scheme, paper: red })).to.include('line red on paper');
    });
  }

  it('refuse a text that lies outside, or on another one', () => {
    const picture = (): Picture => new Picture(200, 100, 'a picture', 'what it shows');
    expect(() => picture().text(150, 50, 'much too long for it').toString()).to.throw(/does not fit/);
    expect(() => picture().text(10, 50, 'one').text(12, 54, 'other').toString()).to.throw(/'one' lies on 'other'/);
  });
});

/** docs/abi.md says what lib/arena/layout.ts does. */
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { Header, MAGIC, Meter, POISON, regionsOf, Slots, Table, VERSION } from '../../lib/arena/layout.js';
import { CODE, MIGRATION, rootOf, VGA } from '../../lib/dirty/client.js';
import { ABI_DOCUMENT, abiListing } from '../../scripts/abi-listings.js';

const text = readFileSync(ABI_DOCUMENT, 'utf8');

/** The table under a heading: name, word, byte. */
function wordsUnder(heading: string, of = text): [name: string, word: number, byte: number][] {
  const section = of.split(/^#+ /m).find((part) => part.startsWith(`${heading}\n`)) ?? '';
  return [...section.matchAll(/^\| `(\w+)` \| (\d+) \| (\d+) \|/gm)].map(([, name = '', word, byte]) => [
    name,
    Number(word),
    Number(byte),
  ]);
}

const layout = (fields: Readonly<Record<string, number>>) =>
  Object.entries(fields).map(([name, word]) => [name, word, word * 4]);

describe('The ABI of generated code', () => {
  it('has every word of the header where the source has it', () => {
    expect(wordsUnder('Header')).to.deep.equal(layout(Header));
  });

  it('has every word of a block table where the source has it', () => {
    expect(wordsUnder('Block table')).to.deep.equal(layout(Table));
  });

  it("has every word of a reader's meter where the source has it", () => {
    expect(wordsUnder('Meter')).to.deep.equal(layout(Meter));
  });

  it('would be found to have a word elsewhere', () => {
    const moved = text.replace('| `Number` | 32 | 128 |', '| `Number` | 33 | 128 |');
    expect(moved).to.not.equal(text);
    expect(wordsUnder('Header', moved)).to.not.deep.equal(layout(Header));
  });

  it('is of the version that the source makes', () => {
    expect(/^# .*version (\d+)$/m.exec(text)?.[1]).to.equal(`${VERSION}`);
    expect(text).to.include(`| \`Magic\` | 0 | 0 | 0x${MAGIC.toString(16)} | yes |`);
    expect(text).to.include(`| \`Version\` | 1 | 4 | ${VERSION} | yes |`);
    expect(abiListing('mark.ts')).to.include(`const MAGIC: u32 = 0x${MAGIC.toString(16)};`);
    expect(abiListing('mark.ts')).to.include(`const VERSION: u32 = ${VERSION};`);
  });

  it('computes the position of the all-zero block as the source does', () => {
    expect(text).to.include(`${Slots.first} + ${Slots.size} × \`MaxReaders\``);
    for (const maxReaders of [1, 64, 4096]) {
      expect(regionsOf(maxReaders, 2).zeroBlock).to.equal(Slots.first + Slots.size * maxReaders);
    }
    expect(POISON, 'a freed entry').to.equal(-(2 ** 31));
  });

  it('names the clients', () => {
    expect(text).to.include(`VGA = ${VGA}, CODE = ${CODE}, MIGRATION = ${MIGRATION}`);
    expect(text).to.include("position of VGA's block table; CODE's and MIGRATION's follow");
    expect([VGA, CODE, MIGRATION].map((client) => rootOf(client))).to.deep.equal([0, 1, 2]);
  });

  it('has a listing that goes by these offsets', () => {
    const constants = [...abiListing('mark.ts').matchAll(/^const (\w+): usize = (\d+);$/gm)];
    expect(Object.fromEntries(constants.map(([, name, value]) => [name, Number(value)]))).to.deep.equal({
      MAGIC_AT: Header.Magic * 4,
      VERSION_AT: Header.Version * 4,
      PAGE_SHIFT_AT: Header.PageShift * 4,
      BLOCK_SHIFT_AT: Header.BlockShift * 4,
      MAX_READERS_AT: Header.MaxReaders * 4,
      ROOTS: Header.Roots * 4,
      LAST_PAGE: Header.LastPage * 4,
      NUMBER: Header.Number * 4,
      WAITING: Header.Waiting * 4,
      LIMIT: Header.Limit * 4,
      METER_GENERATED: Meter.Generated * 4,
      METER_LIMIT: Meter.Limit * 4,
      TABLE_LENGTH: Table.Length * 4,
      TABLE_ENTRIES: Table.Entries * 4,
    });
  });
});

/** The machine uses the package as its users do: by its doors, and by nothing else. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect } from 'chai';

const FOLDER = new URL('./', import.meta.url);
const DOORS = ['dirtymem', 'dirtymem/vcpu', 'dirtymem/migration', 'dirtymem/save-states'];

/** @returns what a source imports that is neither a door, nor Node's, nor the machine's own */
function strange(text: string): string[] {
  const imported = [...text.matchAll(/^(?:import|export)\b[^;]*?\bfrom '([^']+)';$/gms)].map(([, from = '']) => from);
  return imported.filter((from) => !DOORS.includes(from) && !/^(node:|\.\/|\.\.\/(?!\.\.))/.test(from));
}

describe('The machine', () => {
  it('imports only the doors of the package', () => {
    const files = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' });
    const sources = files.filter((name) => name.endsWith('.ts') && !name.endsWith('.spec.ts') && name !== 'bugs.ts');
    expect(sources.length).to.be.above(40);
    for (const name of sources) expect(strange(readFileSync(new URL(name, FOLDER), 'utf8')), name).to.deep.equal([]);
  });

  it('would be found to reach into the package', () => {
    expect(strange("import { Arena } from '../../lib/arena/arena.js';\n")).to.have.length(1);
    expect(strange("import {\n  DirtyMemory,\n} from 'dirtymem/internal';\n")).to.have.length(1);
  });
});

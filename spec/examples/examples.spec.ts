/**
 * Each example is a program that checks itself: run as a user would, and linked from docs/uses.md. A file that is
 * named after another, `NAME-vcpu.mjs`, is a thread, a process or a module of it.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { programsAmong, toDoors } from '../../scripts/code-blocks.js';
import { doors, runProgram } from '../support/run-program.js';

const folder = new URL('./', import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith('.mjs'));
const programs = programsAmong(files);

describe('The examples', () => {
  let copies: string;

  before(() => {
    copies = mkdtempSync(join(tmpdir(), 'dirtymem-examples-'));
    for (const name of files)
      writeFileSync(join(copies, name), toDoors(readFileSync(new URL(name, folder), 'utf8'), doors));
  });

  after(() => rmSync(copies, { recursive: true }));

  for (const name of programs) {
    it(`run: ${name}`, async () => {
      const { stderr } = await runProgram(join(copies, name), 60_000);
      expect(stderr).to.equal('');
    });
  }

  it('have less than 100 lines', () => {
    const long = files.filter((name) => readFileSync(new URL(name, folder), 'utf8').split('\n').length > 100);
    expect(long).to.be.empty;
  });
});

/** Module hooks that replace one place of one source. The functions serve as synchronous and as asynchronous hooks. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { compileCached } from '../../scripts/ts-hooks.mjs';

const root = new URL('../..', import.meta.url);
let mutant;
let mutated;

export function initialize(data) {
  mutant = data;
  mutated = new URL(data.file, root).href;
}

export function load(href, context, nextLoad) {
  if (href !== mutated) return nextLoad(href, context);
  const path = fileURLToPath(href);
  return { format: 'module', source: compileCached(path, replaced(readFileSync(path, 'utf8'))), shortCircuit: true };
}

function replaced(source) {
  const { file, original, replacement } = mutant;
  const around = source.split(original);
  if (around.length !== 2) throw new Error(`${file} has '${original}' ${around.length - 1} times, not once`);
  return around.join(replacement);
}

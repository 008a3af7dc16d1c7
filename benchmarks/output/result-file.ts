/** Reads a file that `npm run bench -- --json` wrote, and refuses any other content. */
import { show } from '../../lib/base/errors.js';
import { readJsonFile } from '../../lib/stress/json-file.js';
import type { Result } from '../harness/result.js';

/** A run of all questions writes less than a MiB. */
const MOST_BYTES = 2 ** 26;

/** A value in the file, with its path. */
interface Place {
  readonly file: string;
  readonly path: string;
  readonly value: unknown;
}

/** @throws Error that names the file, the path of the value in it, and what is wrong */
export function readBenchResult(file: string): Result {
  const value = readJsonFile(file, MOST_BYTES);
  const result = { file, path: 'the file', value };
  expect(result, isObject(value), 'an object');
  for (const answer of listIn(result, 'answers')) checkAnswer(answer);
  return value as Result;
}

/** Checks the fields that a comparison reads. */
function checkAnswer(answer: Place): void {
  expectText(answer, 'name');
  const neighbours = fieldOf(answer, 'neighbours');
  if (neighbours.value !== undefined) expectNumber(neighbours, 'others');
  for (const figure of listIn(answer, 'figures')) {
    for (const text of ['what', 'unit']) expectText(figure, text);
    for (const number of ['median', 'low', 'high', 'rounds']) expectNumber(figure, number);
    const better = fieldOf(figure, 'better');
    expect(better, [undefined, 'lower', 'higher'].includes(better.value as string), "'lower', 'higher' or absent");
    if (fieldOf(figure, 'disturbed').value !== undefined) expectNumber(figure, 'disturbed');
  }
}

function listIn(parent: Place, name: string): Place[] {
  const { file, path, value } = fieldOf(parent, name);
  expect({ file, path, value }, Array.isArray(value), 'a list');
  return (value as unknown[]).map((item, i) => ({ file, path: `${path}[${i}]`, value: item }));
}

function expectText(parent: Place, name: string): void {
  const field = fieldOf(parent, name);
  expect(field, typeof field.value === 'string', 'a text');
}

function expectNumber(parent: Place, name: string): void {
  const field = fieldOf(parent, name);
  expect(field, typeof field.value === 'number', 'a number');
}

function fieldOf(parent: Place, name: string): Place {
  const { file, path, value } = parent;
  expect(parent, isObject(value), 'an object');
  const field = Object.hasOwn(value as object, name) ? (value as Record<string, unknown>)[name] : undefined;
  return { file, path: path === 'the file' ? name : `${path}.${name}`, value: field };
}

function expect({ file, path, value }: Place, isRight: boolean, expected: string): void {
  if (isRight) return;
  throw new Error(
    `${file} is no file that npm run bench -- --json wrote: ${path} must be ${expected}, got ${show(value)}`,
  );
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

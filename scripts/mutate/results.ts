/**
 * The result of each mutant in each stage of specs: a file of JSON lines, to which results are appended as they are
 * found. A result is valid as long as the sources, and the specs that it depends on, are unchanged. The result of a
 * killed mutant depends on the spec file that killed it; any other result depends on all specs of the stage.
 */
import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, truncateSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import type { Reach } from './reach.js';
import type { SpecsOutcome } from './run-specs.js';

export type Result = SpecsOutcome & {
  /** The mutant's id. */
  readonly id: string;
  readonly stage: string;
  readonly seconds: number;
  /** Of a spec file without a mutant: the functions that it leaves alone. */
  readonly reach?: Reach;
  /** Digest of the files that the result depends on. */
  readonly evidence: string;
};

export class Results {
  private readonly path: string;
  private readonly sources: string;
  private readonly found = new Map<string, Result[]>();
  /** Digests of files by path, taken when the run began, because the files may be edited during the run. */
  private readonly digests: ReadonlyMap<string, string>;

  /** @throws Error when a line of the file is not a result */
  constructor(root: string, path: string) {
    this.path = path;
    const files = [...filesUnder(root, 'lib'), ...filesUnder(root, 'workers')];
    this.digests = new Map(
      [...files, ...filesUnder(root, 'spec')].map((file) => [file, digest(readFileSync(join(root, file)))]),
    );
    this.sources = this.digestOf(files);
    mkdirSync(dirname(path), { recursive: true });
    const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
    // Drop an incomplete last line, which a process leaves that is killed while it writes.
    const whole = text.slice(0, text.lastIndexOf('\n') + 1);
    if (whole !== text) truncateSync(path, Buffer.byteLength(whole));
    whole.split('\n').forEach((line, i) => {
      if (line !== '') this.keep(parse(line, `${path}: line ${i + 1}`));
    });
  }

  /** @param specs the spec files of the stage. @returns the result, if it is still valid */
  of(id: string, stage: string, specs: readonly string[]): Result | undefined {
    const results = this.found.get(keyOf({ id, stage }));
    return results?.find((result) => result.evidence === this.evidenceOf(result, specs));
  }

  add(
    id: string,
    stage: string,
    seconds: number,
    outcome: SpecsOutcome & { readonly reach?: Reach },
    specs: readonly string[],
  ): Result {
    const result = { id, stage, ...outcome, seconds, evidence: this.evidenceOf(outcome, specs) };
    this.keep(result);
    appendFileSync(this.path, `${JSON.stringify(result)}\n`);
    return result;
  }

  private keep(result: Result): void {
    const key = keyOf(result);
    this.found.set(key, [result, ...(this.found.get(key) ?? [])]);
  }

  private evidenceOf(outcome: SpecsOutcome, specs: readonly string[]): string {
    const files = outcome.verdict === 'killed' && this.digests.has(outcome.file) ? [outcome.file] : specs;
    return `${this.sources}-${this.digestOf(files)}`;
  }

  private digestOf(files: readonly string[]): string {
    return digest(files.map((file) => `${file}\0${this.digests.get(file)}\0`).join('')).slice(0, 16);
  }
}

function digest(bytes: string | Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function keyOf({ id, stage }: Pick<Result, 'id' | 'stage'>): string {
  return `${id} ${stage}`;
}

function filesUnder(root: string, folder: string): string[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .sort()
    .map((name) => `${folder}/${name.replaceAll(sep, '/')}`);
}

function parse(line: string, where: string): Result {
  let result: Partial<Result> | undefined;
  try {
    result = JSON.parse(line);
  } catch {}
  const { id, stage, verdict, evidence } = result ?? {};
  const isResult = [id, stage, verdict, evidence].every((field) => typeof field === 'string');
  if (!isResult) throw new Error(`${where} is no result of a mutation run`);
  return result as Result;
}

/**
 * The results of a campaign. The first line says what the file is; each run appends a line of JSON when it ends. A
 * process that is killed while it writes may leave an incomplete last line, which is cut off. A run has one result, even
 * if another comes: the first. A result that says nothing of the build is ignored when the file is opened again, so the
 * run is repeated: it was vacuous (it did too little; a less busy machine may do enough), or its machines were lost.
 * Results of other builds stay in the file, and do not count.
 *
 * The whole file is checked before anything is written to it. A file that holds no results of a campaign, or only
 * results of another campaign, is refused and stays unchanged.
 */
import {
  closeSync,
  existsSync,
  fstatSync,
  ftruncateSync,
  lstatSync,
  openSync,
  readFileSync,
  realpathSync,
  writeSync,
} from 'node:fs';
import { Claim } from './claim.js';
import type { Host } from './host.js';
import type { KindName, Plan } from './kinds.js';
import type { Run } from './run.js';

/** What a run's process wrote: each kind has its own, and all have these. */
export interface Report {
  readonly verdict: 'pass' | 'fail';
  readonly interrupted?: boolean;
}

export interface RunResult {
  /** The command that repeats the run; it identifies the run. */
  readonly repeat: string;
  /** The build of dirtymem that it was done with. */
  readonly build: string;
  readonly kind: KindName;
  readonly plan: Plan;
  readonly verdict: 'pass' | 'fail';
  /** What made the run fail: the oracle's name, or how the process ended. Left out when the run passed. */
  readonly found?: string;
  readonly detail?: string;
  /** How long the process took. */
  readonly wallSeconds: number;
  readonly endedAt: string;
  readonly host: Host;
  /** Left out when the process wrote no report. */
  readonly report?: Report;
}

/** Results that say nothing: their runs are done again when the campaign is started again. */
export function saysNothing({ found }: Pick<RunResult, 'found'>): boolean {
  return found === 'vacuous' || found === 'lost';
}

const FIRST_LINE = `${JSON.stringify({ file: 'results of a dirtymem campaign', version: 2 })}\n`;

export class ResultsFile {
  /** Results of the build, by their `repeat`. */
  readonly results: ReadonlyMap<string, RunResult>;
  /** How many results in the file are of other builds. */
  readonly ofOtherBuilds: number;
  /** Whether an incomplete last line was cut off. */
  readonly wasTorn: boolean;
  private readonly counted = new Map<string, RunResult>();
  private readonly file: number;
  private readonly claim: Claim;
  /** Size of all complete lines, in bytes. */
  private size: number;

  /**
   * Opens or creates the file, and keeps other processes from using it.
   * @param runs the campaign's
   * @param build whose results count
   * @throws Error when the file cannot be opened or created, is in use, or does not belong to the campaign
   */
  constructor(path: string, runs: readonly Run[], build: string) {
    this.file = openFile(path);
    this.results = this.counted;
    let claim: Claim | undefined;
    try {
      if (!fstatSync(this.file).isFile()) throw new Error(`${path} is not a regular file`);
      claim = new Claim(realpathSync(path));
      const { results, wholeBytes, isTorn } = parse(path, readFileSync(this.file));
      checkCampaign(path, results, runs);
      const own = results.filter((result) => result.build === build);
      this.ofOtherBuilds = results.length - own.length;
      for (const result of own) if (!saysNothing(result)) this.counted.set(result.repeat, result);
      if (isTorn) ftruncateSync(this.file, wholeBytes);
      this.wasTorn = isTorn;
      this.size = wholeBytes;
      if (wholeBytes === 0) this.write(FIRST_LINE);
      this.claim = claim;
    } catch (error) {
      claim?.release();
      closeSync(this.file);
      throw error;
    }
  }

  /**
   * @returns false when the run has a result already, and this one was not kept
   * @throws Error when the disk is full, after removing the part of the line that was written
   */
  append(result: RunResult): boolean {
    if (this.counted.has(result.repeat)) return false;
    this.write(`${JSON.stringify(result)}\n`);
    this.counted.set(result.repeat, result);
    return true;
  }

  close(): void {
    closeSync(this.file);
    this.claim.release();
  }

  private write(line: string): void {
    const bytes = Buffer.from(line);
    try {
      for (let done = 0; done < bytes.length; ) done += writeSync(this.file, bytes, done);
    } catch (error) {
      ftruncateSync(this.file, this.size);
      throw error;
    }
    this.size += bytes.length;
  }
}

/**
 * The results in a file that may be in use.
 * @throws Error when the file cannot be read, or holds no results of a campaign
 */
export function readResults(path: string): readonly RunResult[] {
  return parse(path, readFileSync(path)).results;
}

/** Opens the file for reading and appending; its contents stay. */
function openFile(path: string): number {
  if (!existsSync(path) && lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink()) {
    throw new Error(`${path} is a link to a file that does not exist`);
  }
  return openSync(path, 'a+');
}

interface Parsed {
  readonly results: readonly RunResult[];
  readonly wholeBytes: number;
  readonly isTorn: boolean;
}

function parse(path: string, bytes: Buffer): Parsed {
  const wholeBytes = bytes.lastIndexOf('\n') + 1;
  if (bytes.length === 0) return { results: [], wholeBytes, isTorn: false };
  if (bytes.toString('utf8', 0, FIRST_LINE.length) !== FIRST_LINE) {
    throw new Error(`${path} is not a file of campaign results; it was not changed; name another file`);
  }
  const lines = bytes.toString('utf8', FIRST_LINE.length, wholeBytes).split('\n').slice(0, -1);
  const results = lines.map((line, i) => {
    const result = parseResult(line);
    if (result === undefined) throw new Error(`${path}: line ${i + 2} is not the result of a run`);
    return result;
  });
  return { results, wholeBytes, isTorn: wholeBytes < bytes.length };
}

/**
 * The campaign's file may have been edited, so some results may belong to none of its runs. If all do, the file is
 * refused.
 */
function checkCampaign(path: string, results: readonly RunResult[], runs: readonly Run[]): void {
  const ours = new Set(runs.map(({ repeat }) => repeat));
  if (results.length === 0 || results.some(({ repeat }) => ours.has(repeat))) return;
  throw new Error(`${path} has only results of another campaign, such as '${results[0]?.repeat}'; name another file`);
}

function parseResult(line: string): RunResult | undefined {
  try {
    const result = JSON.parse(line);
    const named = typeof result?.repeat === 'string' && typeof result.build === 'string';
    const good = named && (result.verdict === 'pass' || result.verdict === 'fail');
    return good ? result : undefined;
  } catch {
    return undefined;
  }
}

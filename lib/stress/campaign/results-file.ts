/**
 * The results of a campaign: a line that says what the file is, and a line of JSON a run, appended as each ends. A process
 * that is killed while it writes may leave a torn last line, which is cut off. A run that did too little does not count by
 * when the file is opened again: on a machine that is less busy it may do enough.
 *
 * The file is judged whole before anything is written to it. What is no campaign's results, or those of other runs alone, is
 * refused and stays as it is.
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
import type { StressPlan } from '../plan.js';
import { repeatCommand, type StressReport } from '../report.js';
import { Claim } from './claim.js';

export interface RunResult {
  /** The command that runs it again; tells runs apart. */
  readonly repeat: string;
  readonly plan: StressPlan;
  readonly verdict: 'pass' | 'fail';
  /** Of a run that failed: the oracle, or how its process ended. */
  readonly found?: string;
  readonly detail?: string;
  /** How long its process took. */
  readonly wallSeconds: number;
  readonly endedAt: string;
  /** Left out when the process gave none. */
  readonly report?: StressReport;
}

const FIRST_LINE = `${JSON.stringify({ file: 'results of a dirtymem stress campaign', version: 1 })}\n`;

export class ResultsFile {
  /** By `repeat`. */
  readonly results: ReadonlyMap<string, RunResult>;
  /** Whether a torn last line was cut off. */
  readonly wasTorn: boolean;
  private readonly counted = new Map<string, RunResult>();
  private readonly file: number;
  private readonly claim: Claim;
  /** In bytes: all whole lines. */
  private size: number;

  /**
   * Opens the file, or makes it, for this process alone.
   * @param plans of the campaign
   * @throws Error when the file can be neither read nor made, is in use, or is not one of the campaign
   */
  constructor(path: string, plans: readonly StressPlan[]) {
    this.file = openFile(path);
    this.results = this.counted;
    let claim: Claim | undefined;
    try {
      if (!fstatSync(this.file).isFile()) throw new Error(`${path} is not a regular file`);
      claim = new Claim(realpathSync(path));
      const { results, wholeBytes, isTorn } = parse(path, readFileSync(this.file));
      checkCampaign(path, results, plans);
      for (const result of results) if (result.found !== 'vacuous') this.counted.set(result.repeat, result);
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

  /** @throws Error when the disk is full; what had been written of the line is gone again */
  append(result: RunResult): void {
    this.write(`${JSON.stringify(result)}\n`);
    this.counted.set(result.repeat, result);
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

/** For reading and appending: whatever is in the file stays. */
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
    throw new Error(`${path} is not a file of campaign results, and stays as it is; name another`);
  }
  const lines = bytes.toString('utf8', FIRST_LINE.length, wholeBytes).split('\n').slice(0, -1);
  const results = lines.map((line, i) => {
    const result = parseResult(line);
    if (result === undefined) throw new Error(`${path}: line ${i + 2} is no result of a campaign's run`);
    return result;
  });
  return { results, wholeBytes, isTorn: wholeBytes < bytes.length };
}

/** A campaign may have got more runs since, or lost some; one that has none of the runs is another. */
function checkCampaign(path: string, results: readonly RunResult[], plans: readonly StressPlan[]): void {
  const ours = new Set(plans.map(repeatCommand));
  if (results.length === 0 || results.some(({ repeat }) => ours.has(repeat))) return;
  throw new Error(`${path} has results of another campaign alone, the first of '${results[0]?.repeat}'; name another`);
}

function parseResult(line: string): RunResult | undefined {
  try {
    const result = JSON.parse(line);
    const good = typeof result?.repeat === 'string' && (result.verdict === 'pass' || result.verdict === 'fail');
    return good ? result : undefined;
  } catch {
    return undefined;
  }
}

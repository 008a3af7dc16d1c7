/**
 * The results of a campaign. The first line says what the file is; each run appends a line of JSON when it ends. A
 * process that is killed while it writes may leave an incomplete last line, which is cut off. A vacuous result (the run
 * did too little) is ignored when the file is opened again, so the run is repeated: a less busy machine may do enough.
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
import type { StressPlan } from '../plan.js';
import { repeatCommand, type StressReport } from '../report.js';
import { Claim } from './claim.js';

export interface RunResult {
  /** The command that repeats the run; it identifies the run. */
  readonly repeat: string;
  readonly plan: StressPlan;
  readonly verdict: 'pass' | 'fail';
  /** What made the run fail: the oracle's name, or how the process ended. Left out when the run passed. */
  readonly found?: string;
  readonly detail?: string;
  /** How long the process took. */
  readonly wallSeconds: number;
  readonly endedAt: string;
  /** Left out when the process wrote no report. */
  readonly report?: StressReport;
}

const FIRST_LINE = `${JSON.stringify({ file: 'results of a dirtymem stress campaign', version: 1 })}\n`;

export class ResultsFile {
  /** Results by their `repeat`. */
  readonly results: ReadonlyMap<string, RunResult>;
  /** Whether an incomplete last line was cut off. */
  readonly wasTorn: boolean;
  private readonly counted = new Map<string, RunResult>();
  private readonly file: number;
  private readonly claim: Claim;
  /** Size of all complete lines, in bytes. */
  private size: number;

  /**
   * Opens or creates the file, and keeps other processes from using it.
   * @param plans the campaign's runs
   * @throws Error when the file cannot be opened or created, is in use, or does not belong to the campaign
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

  /** @throws Error when the disk is full, after removing the part of the line that was written */
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
function checkCampaign(path: string, results: readonly RunResult[], plans: readonly StressPlan[]): void {
  const ours = new Set(plans.map(repeatCommand));
  if (results.length === 0 || results.some(({ repeat }) => ours.has(repeat))) return;
  throw new Error(`${path} has only results of another campaign, such as '${results[0]?.repeat}'; name another file`);
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

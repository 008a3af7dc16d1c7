/**
 * The results of a campaign, a line of JSON a run, appended as each ends. A process that is killed while it writes may
 * leave a torn last line, which does not count. Nor does a run that did too little, by when the file is opened again: on a
 * machine that is less busy it may do enough.
 */
import { appendFileSync, closeSync, existsSync, openSync, readFileSync, truncateSync } from 'node:fs';
import type { StressPlan } from '../plan.js';
import type { StressReport } from '../report.js';

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

export class ResultsFile {
  /** By `repeat`. */
  readonly results = new Map<string, RunResult>();
  /** Whether a torn last line was dropped. */
  readonly wasTorn: boolean;
  private readonly path: string;

  /** @throws Error when the file can be neither read nor made, or has a line that is no result */
  constructor(path: string) {
    this.path = path;
    const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
    const whole = text.slice(0, text.lastIndexOf('\n') + 1);
    this.wasTorn = whole !== text;
    closeSync(openSync(path, 'a'));
    if (this.wasTorn) truncateSync(path, Buffer.byteLength(whole));
    whole.split('\n').forEach((line, i) => {
      if (line === '') return;
      const result = parseResult(line);
      if (result === undefined) throw new Error(`${path}: line ${i + 1} is no result of a campaign's run`);
      if (result.found !== 'vacuous') this.results.set(result.repeat, result);
    });
  }

  append(result: RunResult): void {
    this.results.set(result.repeat, result);
    appendFileSync(this.path, `${JSON.stringify(result)}\n`);
  }
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

/** The page of a campaign: what failed, grouped by oracle and plan, each run with the command that repeats it. */
import type { Plan } from '../../lib/stress/campaign/kinds.js';
import type { RunResult } from '../../lib/stress/campaign/results-file.js';
import type { Run } from '../../lib/stress/campaign/run.js';
import { count, escaped, htmlPage, htmlTable, type Section } from '../report/page.js';

export interface CampaignData {
  readonly runs: readonly Run[];
  /** By their `repeat`. */
  readonly results: ReadonlyMap<string, RunResult>;
  readonly build: string;
  /** The command that makes the runs that are left. */
  readonly repeat: string;
}

/** A group of more runs is shown when its line is clicked. */
const MOST_OPEN = 20;

export function campaignPage({ runs, results, build, repeat }: CampaignData): string {
  const done = runs.flatMap((run) => results.get(run.repeat) ?? []);
  const failed = done.filter(({ verdict }) => verdict === 'fail');
  const oracles = groupsOf(failed, ({ found = 'unknown' }) => found);
  const text = `${count(failed.length)} of ${count(done.length)} runs failed`;
  const left = runs.length - done.length;
  return htmlPage({
    command: 'campaign',
    verdict: { kind: failed.length > 0 ? 'fail' : left > 0 ? 'note' : 'pass', text },
    facts: [`${count(runs.length)} runs, ${count(left)} of them without a result; build ${build}`],
    repeat,
    sections: [...oracles.map(([oracle, members]) => sectionOf(oracle, members)), hostsOf(done)],
  });
}

function sectionOf(oracle: string, members: readonly RunResult[]): Section {
  const plans = groupsOf(members, ({ kind, plan }) => planText(kind, plan));
  return {
    title: `${oracle}: ${count(members.length)}`,
    about: 'By plan. Each run has the command that repeats it.',
    body: plans.map(([plan, ofPlan]) => planTable(plan, ofPlan)).join('\n'),
  };
}

function planTable(plan: string, members: readonly RunResult[]): string {
  const rows = members.map(({ plan: { seed }, detail = '', host, repeat }) => {
    return [`${seed}`, repeat, `${host.name}, ${host.architecture}, Node ${host.node}`, detail];
  });
  const table = htmlTable(plan, ['seed', 'repeat', 'host', 'what was found'], rows);
  const open = members.length > MOST_OPEN ? '' : ' open';
  return `<details${open}><summary>${escaped(plan)}: ${count(members.length)}</summary>\n${table}</details>`;
}

/** The plan without its seed. */
function planText(kind: string, { seed: _, ...values }: Plan): string {
  const fields = Object.entries(values).filter(([, value]) => value !== undefined);
  return `${kind}: ${fields.map(([name, value]) => `${name} ${value}`).join(', ')}`;
}

function hostsOf(done: readonly RunResult[]): Section {
  const rows = groupsOf(done, ({ host }) => JSON.stringify(host)).map(([, members]) => {
    const { name, cpu, cores, architecture, kernel, node, v8 } = (members[0] as RunResult).host;
    const failed = members.filter(({ verdict }) => verdict === 'fail').length;
    return [name, members.length, failed, cores, cpu, architecture, kernel, node, v8];
  });
  const head = ['host', 'runs', 'failed', 'cores', 'CPU', 'architecture', 'kernel', 'Node', 'V8'];
  return {
    title: 'Hosts',
    about: 'What is found on one architecture may be found on no other.',
    body: htmlTable('hosts', head, rows),
  };
}

/** @returns keys and members, the largest group first */
function groupsOf<T>(members: readonly T[], keyOf: (member: T) => string): [key: string, members: T[]][] {
  const groups = new Map<string, T[]>();
  for (const member of members) {
    const key = keyOf(member);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [member]);
    else group.push(member);
  }
  return [...groups].sort(([, a], [, b]) => b.length - a.length);
}

/** An execution in words: what each thread did, where each read's value came from, and one order of memory. */
import type { Event } from './event.js';
import { type Execution, INITIAL } from './model.js';

export function describeExecution(execution: Execution): string {
  const { litmus, threads, from } = execution;
  const names = new Map(Object.entries(litmus.locations).map(([name, location]) => [location, name]));
  const nameOf = ({ location }: Event): string => names.get(location) ?? `word ${location}`;
  const lines: string[] = [];
  let at = 0;
  for (const { name, trace } of threads) {
    const steps = trace.events.map((event) => {
      const number = at++;
      return `${number}:${stepOf(event, nameOf(event), from[number])}`;
    });
    lines.push(`${name}: ${steps.filter((step) => !step.endsWith(':')).join('; ')}${trace.asleep ? '; asleep' : ''}`);
  }
  lines.push(`in this order: ${execution.order().join(' ')}`);
  return lines.join('\n');
}

function stepOf(event: Event, name: string, from: number | undefined): string {
  if (event.kind !== 'access') return event.kind === 'enter' ? `${event.name} ${name}` : '';
  const source = from === undefined ? '' : from === INITIAL ? ' (initial)' : ` (of ${from})`;
  const read = event.read === undefined ? '' : ` ${event.read}${source}`;
  return `${event.name} ${name}${read}${event.written === undefined ? '' : ` := ${event.written}`}`;
}

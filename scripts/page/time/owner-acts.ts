/** What the owner does, as its lane shows it: collections from clear to delivery, and moments with a name. */
import type { TraceEvent } from 'dirtymem/trace';

export interface Act {
  readonly what: string;
  readonly from: number;
  /** Undefined: it goes on. */
  readonly to: number | undefined;
}

export interface Moment {
  readonly what: string;
  readonly time: number;
}

export interface OwnerActs {
  readonly collections: readonly Act[];
  readonly moments: readonly Moment[];
}

const CLIENTS: Readonly<Record<number, string>> = { 1: 'VGA', 2: 'CODE', 4: 'MIGRATION' };

export function ownerActs(events: Iterable<TraceEvent>): OwnerActs {
  const collections: { what: string; from: number; to: number | undefined }[] = [];
  const open = new Map<number, (typeof collections)[number]>();
  const moments: Moment[] = [];
  for (const event of events) {
    const { time } = event;
    if (event.thread.slot !== undefined) continue;
    if (event.kind === 'clear') {
      const act = { what: CLIENTS[event.client] ?? '', from: time, to: undefined };
      collections.push(act);
      open.set(event.client, act);
    } else if (event.kind === 'deliver' || event.kind === 'give-back') {
      const act = open.get(event.client);
      if (act !== undefined) act.to = time;
      open.delete(event.client);
    }
    moments.push({ what: nameOf(event), time });
  }
  return { collections, moments };
}

export function nameOf(event: TraceEvent): string {
  switch (event.kind) {
    case 'publish':
      return `publish (${event.why})`;
    case 'number':
      return 'number';
    case 'wait':
      return `wait (${event.operation})`;
    case 'clear':
      return `clear ${CLIENTS[event.client] ?? ''}`;
    case 'deliver':
      return `deliver ${event.pages} pages of ${CLIENTS[event.client] ?? ''}`;
    case 'offline':
      return `offline (${event.why})`;
    default:
      return event.kind;
  }
}

/**
 * The faults of a migration, and when they strike. A fault waits for a *point*: a certain message on the link, or a
 * certain report of a host. The message or the host then waits until the fault has struck, so no window is too short to
 * be hit.
 */
import type { Choices } from '../plan.js';

export const FAULT_KINDS = [
  'source killed',
  'destination killed',
  'link cut',
  'link stalled',
  'link slow',
  'source cancelled',
  'destination cancelled',
  'hotplug',
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

/** The points from the pause of the source to the start of the destination. */
const SWITCH_OVER_POINTS = [
  'stands',
  'saved',
  'seal',
  'state',
  'end',
  'loaded',
  'destination claims',
  'destination told',
  'source claims',
  'source told',
  'runs',
  'running',
] as const;
const EARLIER_POINTS = ['hello', 'plug', 'data', 'zero', 'taken'] as const;
const POINTS: ReadonlySet<string> = new Set([...EARLIER_POINTS, ...SWITCH_OVER_POINTS]);
export type FaultPoint = (typeof EARLIER_POINTS)[number] | (typeof SWITCH_OVER_POINTS)[number];
/** The points at which the source has handed its machine over, and does not know yet who runs it. */
const IN_DOUBT: readonly FaultPoint[] = [
  'end',
  'loaded',
  'destination claims',
  'destination told',
  'source claims',
  'source told',
];

export interface Fault {
  readonly kind: FaultKind;
  readonly point: FaultPoint;
  /** At which occurrence of the point the fault strikes, counted from 1. */
  readonly nth: number;
  /**
   * From 0 to 1: for a cut link, how much of the message still goes over; for a stalled or slow link, how long or how
   * slow.
   */
  readonly part: number;
}

/** A fault that has struck. */
export interface Struck extends Fault {
  readonly inSwitchOver: boolean;
  readonly inDoubt: boolean;
}

export function isPoint(name: string): name is FaultPoint {
  return POINTS.has(name);
}

/** @returns one fault, or a few */
export function chooseFaults(choices: Choices): Fault[] {
  const faults = Array.from({ length: choices.oneIn(3) ? choices.between(2, 3) : 1 }, () => chooseFault(choices));
  // A source claims only when it has lost the connection to the destination.
  const needsLoss = faults.some(({ point }) => point === 'source claims' || point === 'source told');
  if (needsLoss) faults.push({ kind: 'link cut', point: choices.pick(['end', 'loaded']), nth: 1, part: 1 });
  return faults;
}

function chooseFault(choices: Choices): Fault {
  const kind = choices.pick(FAULT_KINDS);
  const early = choices.oneIn(4);
  const point = early ? choices.pick(EARLIER_POINTS) : choices.pick(choices.oneIn(2) ? IN_DOUBT : SWITCH_OVER_POINTS);
  return {
    kind,
    point,
    nth: early && point !== 'hello' ? choices.between(1, 24) : 1,
    // 0 and 1 are common: the link is cut just before or just after the message.
    part: choices.oneIn(2) ? choices.between(0, 1) : choices.between(1, 99) / 100,
  };
}

export class Faults {
  readonly struck: Struck[] = [];
  readonly planned: readonly Fault[];
  private readonly strike: (fault: Fault) => Promise<void>;
  private readonly passed = new Map<FaultPoint, number>();

  /** @param strike makes the fault happen, and resolves when it has happened */
  constructor(planned: readonly Fault[], strike: (fault: Fault) => Promise<void>) {
    this.planned = planned;
    this.strike = strike;
  }

  /**
   * To be called when a point is reached.
   * @returns how much of the message to let through, if the link is to be cut there
   */
  async at(point: FaultPoint): Promise<number | undefined> {
    const nth = (this.passed.get(point) ?? 0) + 1;
    this.passed.set(point, nth);
    let torn: number | undefined;
    for (const fault of this.planned) {
      if (fault.point !== point || fault.nth !== nth) continue;
      const inSwitchOver = (SWITCH_OVER_POINTS as readonly string[]).includes(point);
      this.struck.push({ ...fault, inSwitchOver, inDoubt: IN_DOUBT.includes(point) });
      if (fault.kind === 'link cut') torn = fault.part;
      else await this.strike(fault);
    }
    return torn;
  }
}

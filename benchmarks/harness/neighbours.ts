/**
 * How much of the machine other processes, and other guests of the host, used while a question was asked. Only Linux
 * counts this.
 */
import { readFileSync } from 'node:fs';

/** Average use, in cores. */
export interface Neighbours {
  readonly others: number;
  /** What the host took away from this virtual machine. */
  readonly steal: number;
  readonly idle: number;
  readonly disturbed: boolean;
}

/** Other processes matter when they leave no core free: when less than this was idle, in cores. */
const IDLE_ENOUGH = 0.5;
const OTHERS_MATTER = 0.1;
const STEAL_MATTERS = 0.05;
const TICKS_PER_SECOND = 100;

interface Ticks {
  readonly busy: number;
  readonly idle: number;
  readonly steal: number;
  /** Processor time of this process and of its children that have ended. */
  readonly own: number;
}

/** @returns a function that ends the watch; it returns undefined when the system does not count this */
export function watchNeighbours(): () => Neighbours | undefined {
  const before = readTicks();
  const began = performance.now();
  return () => {
    const after = readTicks();
    if (before === undefined || after === undefined) return undefined;
    const ticks = ((performance.now() - began) / 1000) * TICKS_PER_SECOND;
    const cores = (of: (ticks: Ticks) => number): number => Math.max(0, (of(after) - of(before)) / ticks);
    const others = Math.max(0, cores(({ busy }) => busy) - cores(({ own }) => own));
    const [steal, idle] = [cores((one) => one.steal), cores((one) => one.idle)];
    const disturbed = (others > OTHERS_MATTER && idle < IDLE_ENOUGH) || steal > STEAL_MATTERS;
    return { others, steal, idle, disturbed };
  };
}

function readTicks(): Ticks | undefined {
  let machine: string;
  let self: string;
  try {
    machine = readFileSync('/proc/stat', 'utf8');
    self = readFileSync('/proc/self/stat', 'utf8');
  } catch {
    return undefined;
  }
  const [user, nice, system, idle, wait, irq, softirq, steal] = numbersIn(
    machine.slice('cpu'.length, machine.indexOf('\n')),
  );
  // Read utime, stime, cutime and cstime, which come after the name in parentheses; the name may contain anything.
  const own = numbersIn(self.slice(self.lastIndexOf(')') + 1)).slice(11, 15);
  return {
    busy: sum([user, nice, system, irq, softirq]),
    idle: sum([idle, wait]),
    steal: sum([steal]),
    own: sum(own),
  };
}

const numbersIn = (line: string): (number | undefined)[] => line.trim().split(/\s+/).map(Number);
const sum = (values: readonly (number | undefined)[]): number =>
  values.reduce<number>((total, one) => total + (one ?? 0), 0);

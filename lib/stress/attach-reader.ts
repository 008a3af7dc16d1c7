/** Attaches a worker's reader: the shipped class, or the one of a planted bug. */
import { Arena, type ArenaHandle } from '../arena/arena.js';
import { threadIdentity } from '../base/host.js';
import { chooseKernel } from '../bitmap/choose-kernel.js';
import { Vcpu } from '../dirty/vcpu.js';
import { Throttle } from '../rate/throttle.js';
import { SABOTAGES } from './sabotage/catalogue.js';

export interface ReaderOptions {
  readonly name: string;
  readonly sabotage: string | undefined;
  /** Whether the reader marks by the fast paths, which the readers of a debug engine do not have. */
  readonly fast?: boolean;
}

export function attachReader(handle: ArenaHandle, { name, sabotage, fast = false }: ReaderOptions): Vcpu {
  const broken = sabotage === undefined ? undefined : SABOTAGES[sabotage]?.vcpu;
  const attached = Arena.attach('stress', handle);
  const arena = fast ? withoutDebug(attached) : attached;
  const identity = threadIdentity() as number;
  const setup = { arena, kernel: chooseKernel(arena), name, identity, giveWay: true, governorOf: Throttle.of };
  return broken === undefined ? new Vcpu(setup) : broken(setup);
}

function withoutDebug(arena: Arena): Arena {
  return Object.create(arena, { geometry: { value: { ...arena.geometry, debug: false } } });
}

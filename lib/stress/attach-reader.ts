/** A worker's reader: the shipped one, or a planted bug's. */
import { Arena, type ArenaHandle } from '../arena/arena.js';
import { chooseKernel } from '../bitmap/choose-kernel.js';
import type { Vcpu } from '../dirty/vcpu.js';
import { threadIdentity } from '../host.js';
import { attachVcpu } from '../vcpu.js';
import { SABOTAGES } from './sabotage/catalogue.js';

export function attachReader(handle: ArenaHandle, name: string, sabotage: string | undefined): Vcpu {
  const broken = sabotage === undefined ? undefined : SABOTAGES[sabotage]?.vcpu;
  if (broken === undefined) return attachVcpu(handle, { name });
  const arena = Arena.attach('stress', handle);
  return broken(arena, chooseKernel(arena), name, threadIdentity() as number);
}

/** The bugs that the page plants, by their names in lib/stress/sabotage/. */
import { SABOTAGES } from '../../../lib/stress/sabotage/catalogue.js';
import { placeOf } from '../machine/places.js';
import type { HART_CHANGES } from './hart-changes.js';

/** Pages whose bits are in one word. */
const WORD_PAGES = 32;

export interface Bug {
  readonly sabotage: string;
  /** Who meets whom where a store is lost. */
  readonly between: 'owner' | 'hart';
  /** A change of the hart that the bug needs. */
  readonly change?: keyof typeof HART_CHANGES;
}

export const BUGS: readonly Bug[] = [
  { sabotage: 'harvest-without-grace-period', between: 'owner' },
  { sabotage: 'swap-without-grace-period', between: 'owner' },
  { sabotage: 'mark-by-load-and-store', between: 'hart', change: 'marks-by-vcpu' },
];

export const describe = ({ sabotage }: Bug): string => SABOTAGES[sabotage]?.description ?? '';

/** @returns the module of the harts that the bug needs, which the server compiles; undefined: the usual one */
export async function moduleWith({ change }: Bug): Promise<WebAssembly.Module | undefined> {
  if (change === undefined) return undefined;
  const answer = await fetch(`/harts/${change}.wasm`);
  if (!answer.ok) throw new Error(`the server has no hart '${change}': ${answer.status} ${await answer.text()}`);
  return WebAssembly.compile(await answer.arrayBuffer());
}

/** @returns the names of the lanes that met where a store to the page was lost */
export function whoMet(page: number, harts: number, bug: Bug | undefined): string[] {
  const laneOf = (one: number): string[] => {
    const { hart } = placeOf(one, harts);
    return hart === undefined ? [] : [`hart${hart}`];
  };
  if (bug?.between !== 'hart') return [...laneOf(page), 'owner'];
  const first = page - (page % WORD_PAGES);
  const word = Array.from({ length: WORD_PAGES }, (_, bit) => laneOf(first + bit)).flat();
  return [...new Set([...laneOf(page), ...word])];
}

/** The bugs that the page plants, by their names in lib/stress/sabotage/catalogue.ts. */
import { SABOTAGES } from '../../../lib/stress/sabotage/catalogue.js';
import { placeOf } from '../machine/places.js';
import { HART_CHANGES } from './hart-changes.js';

/** Pages whose bits are in one word. */
const WORD_PAGES = 32;

export interface Bug {
  readonly name: string;
  /** Who meets a hart where a store is lost: bugs of collections and tables are planted into the owner, of marks into harts. */
  readonly between: 'owner' | 'hart';
  /** Does it show only while block tables are replaced? */
  readonly replacesTables?: boolean;
}

export const BUGS: readonly Bug[] = [
  { name: 'harvest-without-grace-period', between: 'owner' },
  { name: 'free-without-grace-period', between: 'owner', replacesTables: true },
  { name: 'mark-by-load-and-store', between: 'hart' },
];

export const describe = ({ name }: Bug): string => SABOTAGES[name]?.description ?? '';

/** @returns the module of the harts that the bug needs, which the server compiles; undefined: the usual one */
export async function moduleWith({ name }: Bug): Promise<WebAssembly.Module | undefined> {
  if (!Object.hasOwn(HART_CHANGES, name)) return undefined;
  const answer = await fetch(`/harts/${name}.wasm`);
  if (!answer.ok) throw new Error(`the server has no hart '${name}': ${answer.status} ${await answer.text()}`);
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
  const met = new Set([...laneOf(page), ...word]);
  // The owner puts bits back into words, too.
  return met.size > 1 ? [...met] : [...met, 'owner'];
}

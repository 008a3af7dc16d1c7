/** Whether objects are garbage. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** How often the collector may look before what it has not found is taken for held: weak references last for a turn. */
const ROUNDS = 20;

/** @param make makes objects that nobody else keeps. @returns how many of them somebody holds */
export async function heldOf(make: () => Promise<readonly object[]>): Promise<number> {
  let made: readonly WeakRef<object>[] = (await make()).map((object) => new WeakRef(object));
  for (let round = 0; round < ROUNDS && made.length > 0; round++) {
    await new Promise((resolve) => setImmediate(resolve));
    collect();
    made = made.filter((reference) => reference.deref() !== undefined);
  }
  return made.length;
}

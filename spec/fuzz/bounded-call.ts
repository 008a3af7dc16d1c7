/** Calls that may hang, even in a loop that never lets the event loop turn: none takes longer than the limit. */
import { Script } from 'node:vm';

// Much longer than any call, on a machine that is busy with other things.
const LIMIT_MS = 60_000;

const script = new Script('dirtymemBoundedCall()');
const global = globalThis as { dirtymemBoundedCall?: () => unknown };

export type Outcome = { readonly returned: unknown } | { readonly threw: unknown };

export class Hang extends Error {
  override readonly name = 'Hang';
}

/** @throws Hang (rejects) when the call, or the promise that it returns, takes longer than the limit */
export async function boundedCall(title: string, call: () => unknown, limitMs = LIMIT_MS): Promise<Outcome> {
  let returned: unknown;
  try {
    returned = callWithin(call, limitMs);
  } catch (error) {
    if ((error as NodeJS.ErrnoException | undefined)?.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') {
      throw new Hang(`${title}: has not returned after ${limitMs} ms`);
    }
    return { threw: error };
  }
  if (!(returned instanceof Promise)) return { returned };
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Hang(`${title}: has not settled after ${limitMs} ms`)), limitMs);
  });
  try {
    return { returned: await Promise.race([returned, late]) };
  } catch (error) {
    if (error instanceof Hang) throw error;
    return { threw: error };
  } finally {
    clearTimeout(timer);
  }
}

/** A script's time limit ends loops, in JavaScript and in WebAssembly, and blocking waits. */
function callWithin(call: () => unknown, limitMs: number): unknown {
  global.dirtymemBoundedCall = call;
  try {
    return script.runInThisContext({ timeout: limitMs });
  } finally {
    delete global.dirtymemBoundedCall;
  }
}

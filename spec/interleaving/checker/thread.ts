/** A thread of an exploration: plays its part in one schedule after another. */
import { parentPort, workerData } from 'node:worker_threads';
import { EventLoop } from './event-loop.js';
import type { FromThread, ThreadWork } from './explore.js';
import { formatSchedule } from './schedule-text.js';
import { Global } from './shared-state.js';

const { state, plan, me } = workerData as ThreadWork;
const loop = new EventLoop();
loop.install();
// The engine's modules keep some of the host's functions from when they load.
const [{ SCENARIOS }, { Stage }, { KILLED, Scheduler }, { scheduleWords }] = await Promise.all([
  import('../scenarios/catalogue.js'),
  import('./scenario.js'),
  import('./scheduler.js'),
  import('./scheduled-words.js'),
]);

const scenario = SCENARIOS[plan.scenario];
if (scenario === undefined) throw new RangeError(`there is no scenario '${plan.scenario}'`);
const mortal = (scenario.mortal ?? []).reduce((mask, thread) => mask | (1 << thread), 0);
const scheduler = new Scheduler(state, plan, me, scenario.threads, mortal, fail);
scheduleWords(scheduler);
const stage = new Stage(state.memory, plan.sabotage, scheduler);
const exitWord = stage.exitWord(me);
const outcomes = new Set<string>();
process.on('uncaughtException', failWith);
process.on('unhandledRejection', failWith);

function post(message: FromThread): void {
  parentPort?.postMessage(message);
}

/** The first failure ends the exploration: whoever started the thread ends it. */
function fail(what: string): never {
  const segments = state.segments.slice(0, (state.global[Global.Segments] as number) * 2);
  post({ kind: 'failed', what, schedule: formatSchedule(segments) });
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

function failWith(error: unknown): never {
  return scheduler.fail(error instanceof Error ? (error.stack ?? error.message) : String(error));
}

function playReader(): void {
  const part = scenario!.part(me, stage);
  for (;;) {
    scheduler.sleep();
    if (state.global[Global.Quit] === 1) return;
    try {
      part.setUp?.();
      scheduler.ready();
      part.race();
    } catch (error) {
      if (error !== KILLED) failWith(error);
    }
    scheduler.finish(exitWord);
  }
}

async function playOwner(): Promise<void> {
  const part = scenario!.part(me, stage);
  scheduler.choices.begin();
  do {
    scheduler.beginSchedule();
    loop.reset();
    await loop.run(() => part.setUp?.(), scheduler);
    scheduler.ready();
    await loop.run(() => part.race(), scheduler);
    scheduler.finish(exitWord);
    if (state.global[Global.Known] === 1 || part.check === undefined) continue;
    await loop.run(async () => outcomes.add((await part.check?.()) ?? ''), scheduler);
  } while (scheduler.choices.nextSchedule());
  post({ kind: 'done', exhausted: scheduler.choices.exhausted, outcomes: [...outcomes].sort() });
  state.global[Global.Quit] = 1;
  for (let thread = 1; thread < scenario!.threads; thread++) scheduler.wake(thread);
}

post({ kind: 'loaded' });
if (me === 0) {
  // Whoever waits for its turn to be set up must be loaded by then.
  parentPort?.once('message', () => {
    playOwner().catch(failWith);
  });
} else playReader();

/** A thread of a crew: plays its part in one exploration after another. */
import { parentPort, workerData } from 'node:worker_threads';
import type { FromThread } from './crew.js';
import { EventLoop } from './event-loop.js';
import type { Plan } from './plan.js';
import { formatSchedule } from './schedule-text.js';
import type { Scheduler as SchedulerType } from './scheduler.js';
import { Global, type SharedState } from './shared-state.js';

const { state, me } = workerData as { state: SharedState; me: number };
const loop = new EventLoop();
loop.install();
// The engine's modules keep some of the host's functions from when they load.
const [{ SCENARIOS }, { Stage }, { KILLED }, { Scheduler }, { scheduleWords }] = await Promise.all([
  import('../scenarios/catalogue.js'),
  import('./scenario.js'),
  import('./handover.js'),
  import('./scheduler.js'),
  import('./scheduled-words.js'),
]);

let scheduler: SchedulerType;
scheduleWords(() => scheduler);
process.on('uncaughtException', failUnlessKilled);
process.on('unhandledRejection', failUnlessKilled);

function post(message: FromThread): void {
  parentPort?.postMessage(message);
}

function failUnlessKilled(error: unknown): void {
  if (error === KILLED) return;
  try {
    scheduler.fail(error instanceof Error ? (error.stack ?? error.message) : String(error));
  } catch (thrown) {
    if (thrown !== KILLED) throw thrown;
  }
}

async function explore(plan: Plan): Promise<void> {
  const scenario = SCENARIOS[plan.scenario];
  if (scenario === undefined) throw new RangeError(`there is no scenario '${plan.scenario}'`);
  if (me >= scenario.threads) return;
  const mortal = (scenario.mortal ?? []).reduce((mask, thread) => mask | (1 << thread), 0);
  const onFailure = (what: string): void => {
    const segments = state.segments.slice(0, (state.global[Global.Segments] as number) * 2);
    post({ kind: 'failed', what, schedule: formatSchedule(segments) });
  };
  scheduler = new Scheduler(state, plan, { me, threads: scenario.threads, mortal, onFailure });
  const stage = new Stage(state.memory, plan.sabotage, scheduler);
  const part = scenario.part(me, stage);
  const exitWord = stage.exitWord(me);

  const playSchedule = (): void => {
    try {
      part.setUp?.();
      scheduler.ready();
      part.race();
    } catch (error) {
      // A thread that has died ends its schedule as any other.
      if (error !== KILLED || scheduler.explorationHasEnded) throw error;
    }
  };

  const playReader = (): void => {
    while (!scheduler.explorationHasEnded) {
      try {
        scheduler.sleep();
        if (scheduler.explorationHasEnded) return;
        playSchedule();
        scheduler.exit(exitWord);
        scheduler.finish();
      } catch (error) {
        failUnlessKilled(error);
      }
    }
  };

  const playOwner = async (): Promise<void> => {
    const outcomes = new Set<string>();
    scheduler.choices.begin();
    do {
      scheduler.beginSchedule();
      loop.reset();
      await loop.run(() => part.setUp?.(), scheduler);
      scheduler.ready();
      await loop.run(() => part.race(), scheduler);
      scheduler.finish();
      if (state.global[Global.Known] === 1 || part.check === undefined) continue;
      await loop.run(async () => outcomes.add((await part.check?.()) ?? ''), scheduler);
    } while (scheduler.choices.nextSchedule());
    post({ kind: 'done', exhausted: scheduler.choices.exhausted, outcomes: [...outcomes].sort() });
    scheduler.endExploration();
  };

  if (me > 0) playReader();
  else await playOwner().catch(failUnlessKilled);
}

parentPort?.on('message', async (plan: Plan) => {
  await explore(plan);
  post({ kind: 'idle' });
});

/**
 * What does a callback after a grace period cost, and how soon does it run?
 *
 * One reader reports every microsecond. `callRcu` alone is what the owner pays to hand over a callback. The latency is
 * the time from the call until the callback has run, for one callback at a time and for a thousand together. Compare it
 * with the latency of a grace period (the question grace-period): the difference is the turn of the event loop in which
 * callbacks run.
 */
import { DirtyMemory } from '../../lib/index.js';
import { figure } from '../harness/figure.js';
import { measureInTurn } from '../harness/in-turn.js';
import { roundTrip } from '../harness/ping-pong.js';
import type { Question } from '../harness/question.js';
import { startThread } from '../harness/threads.js';
import type { ReportingVcpu } from '../workers/reporting-vcpu.js';

const MANY = 1000;

async function ask(rounds: number) {
  const lines = await roundTrip();
  const memory = DirtyMemory.create();
  const reader = await startThread<ReportingVcpu>('reporting-vcpu', { handle: memory.handle });
  memory.supervise(reader.worker);
  const { rcu } = memory;
  const enqueued: number[] = [];
  const untilRun = (count: number) => async (): Promise<number> => {
    const began = performance.now();
    let ran = 0;
    const all = new Promise<void>((resolve) => {
      const callback = (): void => {
        if (++ran === count) resolve();
      };
      for (let i = 0; i < count; i++) rcu.callRcu(callback);
    });
    if (count === MANY) enqueued.push(((performance.now() - began) * 1e6) / count);
    await all;
    return (performance.now() - began) * 1e6;
  };
  const [one, many] = ['callRcu until it has run', `${MANY} of them until all have run`];
  const times = await measureInTurn(
    [
      { name: one, sample: untilRun(1) },
      { name: many, sample: untilRun(MANY) },
    ],
    rounds,
    25,
  );
  await reader.stop();
  await memory.close();
  return [
    times.time(one, 'us', 1000),
    times.time(many, 'us', 1000),
    figure('callRcu alone', 'ns', enqueued.slice(-25 * rounds)),
    lines,
  ];
}

export default { title: 'Callbacks after a grace period', seconds: [0.5, 0.1], ask } satisfies Question;

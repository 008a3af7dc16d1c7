/**
 * How long does a grace period take with one reader that reports every microsecond?
 *
 * This is the time of `synchronizeBlocking`, from request to return. It cannot be less than one round trip of a cache
 * line, plus on average half of the reader's microsecond. The round trip is shown beside it.
 */
import { DirtyMemory } from '../../lib/index.js';
import { compare } from '../harness/compare.js';
import { atMost } from '../harness/figure.js';
import { roundTrip } from '../harness/ping-pong.js';
import type { Question } from '../harness/question.js';
import { startThread } from '../harness/threads.js';
import type { ReportingVcpu } from '../workers/reporting-vcpu.js';

async function ask(rounds: number) {
  const lines = await roundTrip();
  const memory = DirtyMemory.create();
  const reader = await startThread<ReportingVcpu>('reporting-vcpu', { handle: memory.handle });
  memory.supervise(reader.worker);
  const name = 'synchronizeBlocking, p50';
  const times = await compare(
    [{ name, operations: 1, batch: () => memory.rcu.synchronizeBlocking({ timeoutMs: 60_000 }) }],
    {
      rounds,
      milliseconds: 50,
      warmUp: 1000,
    },
  );
  await reader.stop();
  await memory.close();
  return [times.time(name, 'us', 1000, atMost(5)), lines];
}

export default { title: 'A grace period', seconds: [0.5, 0.2], quick: true, ask } satisfies Question;

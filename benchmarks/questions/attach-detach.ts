/**
 * What does it cost a thread to attach to an engine and to detach?
 *
 * Measured with an empty reader registry, and with all but one of 64 slots taken, so that the free slot is found last.
 * There is no comparison: a thread attaches once, and starting the thread itself takes tens of milliseconds.
 */
import { DirtyMemory } from '../../lib/index.js';
import { attachVcpu } from '../../lib/vcpu.js';
import { compare } from '../harness/compare.js';
import type { Question } from '../harness/question.js';

const CALLS = 16;
const SLOTS = 64;

function attachAndDetach(memory: DirtyMemory): void {
  for (let i = 0; i < CALLS; i++) attachVcpu(memory.handle).detach();
}

async function ask(rounds: number) {
  const empty = DirtyMemory.create({ maxReaders: SLOTS });
  const crowded = DirtyMemory.create({ maxReaders: SLOTS });
  const others = Array.from({ length: SLOTS - 1 }, (_, i) => attachVcpu(crowded.handle, { name: `other${i}` }));
  const [first, last] = ['attach and detach, no other reader', 'attach and detach, 63 others'];
  const times = await compare(
    [
      { name: first, operations: CALLS, batch: attachAndDetach, subject: [empty, undefined] },
      { name: last, operations: CALLS, batch: attachAndDetach, subject: [crowded, undefined] },
    ],
    { rounds },
  );
  for (const vcpu of others) vcpu.detach();
  await empty.close();
  await crowded.close();
  return [times.time(first, 'us', 1000), times.time(last, 'us', 1000)];
}

export default { title: 'Attaching and detaching', seconds: [0.3, 0.1], ask } satisfies Question;

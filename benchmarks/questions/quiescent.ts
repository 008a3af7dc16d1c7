/**
 * What does a vCPU pay to report a quiescent state when no grace period is under way?
 *
 * It is shown beside a bare `Atomics.load`, which is the least that a report has to do: where the load is slow, so is
 * the report.
 */
import { DirtyMemory } from '../../lib/index.js';
import { attachVcpu, type Vcpu } from '../../lib/vcpu.js';
import { compare } from '../harness/compare.js';
import { atMost } from '../harness/figure.js';
import type { Question } from '../harness/question.js';

const CALLS = 4096;

function report(vcpu: Vcpu, calls: number): void {
  for (let i = 0; i < calls; i++) vcpu.quiescent();
}

function loadBare(words: Int32Array, calls: number): number {
  let changes = 0;
  for (let i = 0; i < calls; i++) if (Atomics.load(words, 32) !== 0) changes++;
  return changes;
}

async function ask(rounds: number) {
  const memory = DirtyMemory.create();
  const vcpu = attachVcpu(memory.handle);
  vcpu.quiescent();
  const words = new Int32Array(new SharedArrayBuffer(4096));
  const ours = 'quiescent(), nothing pending';
  const bare = 'bare Atomics.load';
  const times = await compare(
    [
      { name: ours, operations: CALLS, batch: report, subject: [vcpu, CALLS] },
      { name: bare, operations: CALLS, batch: loadBare, subject: [words, CALLS] },
    ],
    { rounds },
  );
  vcpu.detach();
  return [times.time(ours, 'ns', 1, atMost(8)), times.time(bare), times.ratio(ours, bare)];
}

export default { title: 'Reporting a quiescent state', seconds: [0.2, 0.1], quick: true, ask } satisfies Question;

/**
 * What does a vCPU pay for an event where the engine records them (`traceEvents`)?
 *
 * A section is two events and hardly anything else. The comparisons are a look at the clock, which every event takes, and
 * six sequentially consistent stores, which write it. What the same operations cost where nothing is recorded is the
 * question `read-sections`: in one process with both, each would slow the other down.
 */
import { DirtyMemory } from '../../lib/index.js';
import { attachVcpu, type Vcpu } from '../../lib/vcpu.js';
import { compare } from '../harness/compare.js';
import type { Question } from '../harness/question.js';

const CALLS = 1024;
const EVENTS = 4096;

function sections(vcpu: Vcpu, calls: number): void {
  for (let i = 0; i < calls; i++) {
    vcpu.readLock();
    vcpu.readUnlock();
  }
}

function absences(vcpu: Vcpu, calls: number): void {
  for (let i = 0; i < calls; i++) {
    vcpu.goOffline();
    vcpu.goOnline();
  }
}

function looks(vcpu: Vcpu, calls: number): number {
  let sum = vcpu.identity;
  for (let i = 0; i < calls; i++) sum += performance.now();
  return sum;
}

function stores(words: Int32Array, calls: number): void {
  for (let i = 0; i < calls; i++) for (let word = 0; word < 6; word++) Atomics.store(words, word, i);
}

async function ask(rounds: number) {
  const memory = DirtyMemory.create({ traceEvents: EVENTS });
  const vcpu = attachVcpu(memory.handle);
  const words = new Int32Array(new SharedArrayBuffer(64));
  const [section, absence] = ['readLock and readUnlock, recorded', 'goOffline and goOnline, recorded'];
  const [look, store] = ['performance.now()', 'six bare Atomics.store'];
  const operations = CALLS;
  const times = await compare(
    [
      { name: section, operations, batch: sections, subject: [vcpu, CALLS] },
      { name: absence, operations, batch: absences, subject: [vcpu, CALLS] },
      { name: look, operations, batch: looks, subject: [vcpu, CALLS] },
      { name: store, operations, batch: stores, subject: [words, CALLS] },
    ],
    { rounds },
  );
  vcpu.detach();
  await memory.close();
  return [section, absence, look, store].map((name) => times.time(name));
}

export default { title: 'Recording events', seconds: [0.3, 0.15], ask } satisfies Question;

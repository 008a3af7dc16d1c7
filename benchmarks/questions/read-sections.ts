/**
 * What do read-side sections, and going offline and back, cost a vCPU?
 *
 * The comparisons are the least that QEMU's read lock does, a sequentially consistent store at its begin and one at its
 * end, and `quiescent`. A section must not cost any atomic access. Going offline costs a store; coming back costs a
 * load of the number, a store, a second load of the number, and the loads of the roots.
 */
import { DirtyMemory } from '../../lib/index.js';
import { attachVcpu, type Vcpu } from '../../lib/vcpu.js';
import { compare } from '../harness/compare.js';
import type { Question } from '../harness/question.js';

const CALLS = 4096;

function sections(vcpu: Vcpu, calls: number): void {
  for (let i = 0; i < calls; i++) {
    vcpu.readLock();
    vcpu.readUnlock();
  }
}

function nestedSections(vcpu: Vcpu, calls: number): void {
  for (let i = 0; i < calls; i++) {
    vcpu.readLock();
    vcpu.readLock();
    vcpu.readUnlock();
    vcpu.readUnlock();
  }
}

function reports(vcpu: Vcpu, calls: number): void {
  for (let i = 0; i < calls; i++) vcpu.quiescent();
}

function absences(vcpu: Vcpu, calls: number): void {
  for (let i = 0; i < calls; i++) {
    vcpu.goOffline();
    vcpu.goOnline();
  }
}

function storePairs(words: Int32Array, calls: number): void {
  for (let i = 0; i < calls; i++) {
    Atomics.store(words, 0, 1);
    Atomics.store(words, 0, 0);
  }
}

async function ask(rounds: number) {
  const memory = DirtyMemory.create();
  const vcpu = attachVcpu(memory.handle);
  const words = new Int32Array(new SharedArrayBuffer(64));
  const [section, nested, report] = ['readLock and readUnlock', 'the same, nested', 'quiescent()'];
  const [absence, bare] = ['goOffline and goOnline', 'two bare Atomics.store'];
  const operations = CALLS;
  const times = await compare(
    [
      { name: section, operations, batch: sections, subject: [vcpu, CALLS] },
      { name: nested, operations, batch: nestedSections, subject: [vcpu, CALLS] },
      { name: report, operations, batch: reports, subject: [vcpu, CALLS] },
      { name: absence, operations, batch: absences, subject: [vcpu, CALLS] },
      { name: bare, operations, batch: storePairs, subject: [words, CALLS] },
    ],
    { rounds },
  );
  vcpu.detach();
  await memory.close();
  return [times.ratio(section, bare), ...[section, nested, report, absence, bare].map((name) => times.time(name))];
}

export default { title: 'Read-side sections, and going offline', seconds: [0.3, 0.15], ask } satisfies Question;

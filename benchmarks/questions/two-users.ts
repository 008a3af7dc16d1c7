/**
 * What does a second user of a client add to the cost of collecting?
 *
 * All RAM is dirty. One user harvests it, or two users harvest it in turn, so that the number of collections is the
 * same. The pages that one user takes become pending for the other user, and each harvest also delivers the pending
 * pages. The harvests go into an empty set, and into a set that still has pages of every block, with which all blocks
 * are merged. Marking and zeroing happen between the samples and are not timed. For vCPUs, only the number of
 * collections matters, not the number of users.
 */
import { DirtyMemory, MIGRATION, type PageSet, type Tracking } from '../../lib/index.js';
import { attachVcpu } from '../../lib/vcpu.js';
import { atMost } from '../harness/figure.js';
import { measureInTurn } from '../harness/in-turn.js';
import type { Question } from '../harness/question.js';
import { allZeroed } from '../subjects/engine.js';
import { BLOCK_BYTES, PAGE_SIZE } from '../subjects/pages.js';

const BLOCKS = 16;
const RAM = BLOCKS * BLOCK_BYTES;

class Subject {
  private readonly memory = DirtyMemory.create({ maxRamBytes: RAM });
  private readonly users: Tracking[] = [];
  private readonly emptied: PageSet;
  private readonly kept: PageSet;
  private turn = 0;

  constructor() {
    this.memory.ram.plug({ id: 'ram', size: RAM });
    this.emptied = this.memory.createPageSet();
    this.kept = this.memory.createPageSet();
    attachVcpu(this.memory.handle).goOffline();
  }

  /** Starts this many users, and makes all pages clean for each of them. */
  async begin(users: number): Promise<void> {
    for (let i = 0; i < users; i++) this.users.push(await this.memory.track(MIGRATION, { name: `user ${i}` }));
    for (const user of this.users) await user.harvest({ into: this.emptied });
    await this.sample(this.emptied);
    await this.sample(this.kept);
  }

  readonly emptying = (): Promise<number> => this.sample(this.emptied);
  readonly merging = (): Promise<number> => this.sample(this.kept);

  private async sample(into: PageSet): Promise<number> {
    const user = this.users[this.turn++ % this.users.length] as Tracking;
    this.memory.setDirtyRange(0, RAM, MIGRATION);
    await allZeroed(this.memory);
    const began = performance.now();
    await user.harvest({ into });
    const nanoseconds = (performance.now() - began) * 1e6;
    if (into.pages !== RAM / PAGE_SIZE) throw new Error(`${into.pages} pages`);
    this.emptied.delete(0, RAM);
    for (let at = 0; at < RAM; at += BLOCK_BYTES) this.kept.delete(at + PAGE_SIZE, BLOCK_BYTES - PAGE_SIZE);
    return nanoseconds;
  }
}

async function ask(rounds: number) {
  const [one, two] = [new Subject(), new Subject()];
  await one.begin(1);
  await two.begin(2);
  const ways = { 'into an empty set': 'emptying', 'merged into a set': 'merging' } as const;
  const nameOf = (users: string, way: string): string => `${users}, ${way}`;
  const measured = Object.entries(ways).flatMap(([way, sample]) => [
    { name: nameOf('one user', way), sample: one[sample] },
    { name: nameOf('two in turn', way), sample: two[sample] },
  ]);
  const times = await measureInTurn(measured, rounds);
  return Object.keys(ways).flatMap((way) => [
    times.ratio(nameOf('two in turn', way), nameOf('one user', way), atMost(1.5)),
    times.time(nameOf('one user', way), 'us', 1000),
    times.time(nameOf('two in turn', way), 'us', 1000),
  ]);
}

export default { title: 'A second user of a client', seconds: [1, 1], ask } satisfies Question;

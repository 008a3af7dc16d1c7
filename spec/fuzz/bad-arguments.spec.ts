import { expect } from 'chai';
import fc from 'fast-check';
import { attachVcpu, type Vcpu, VGA } from '../../lib/vcpu.js';
import { ComparedEngine, type Machine } from '../support/compared-engine.js';
import { Ground, SWAP_ALL, smallEngine } from '../support/engines.js';
import { itInBothForms } from '../support/long.js';
import { type Step, steps } from '../support/random-steps.js';
import {
  coerces,
  expectRefusal,
  type HostileCall,
  hostileCalls,
  makeCall,
  SHRINKING,
  titleOf,
} from './hostile-calls.js';
import type { World } from './world-arguments.js';

const machine: Omit<Machine, 'swaps'> = { pageSize: 4096, pagesPerBlock: 64, maxPages: 640, base: 0 };
const { pageSize } = machine;
const ground = new Ground(2 ** 20, true);
const untouched = new WebAssembly.Memory({ initial: 4, maximum: 4, shared: true });
const foreign = smallEngine();
const foreignBlock = foreign.ram.plug({ id: 'ram0', size: pageSize });
const foreignSet = foreign.whileStopped.harvest(VGA).set;

/** An engine, its model, and what a call may be made with. */
class Fixture {
  readonly engine: ComparedEngine;
  readonly bystander: Vcpu;
  private readonly debug: boolean;
  private readonly parts: Pick<World, 'memory' | 'set' | 'gone' | 'disposed'>;

  private constructor(engine: ComparedEngine, parts: Fixture['parts'], debug: boolean) {
    this.engine = engine;
    this.debug = debug;
    this.parts = parts;
    this.bystander = attachVcpu(engine.memory.handle, { name: 'bystander' });
  }

  static async create(debug: boolean): Promise<Fixture> {
    const { pagesPerBlock, maxPages } = machine;
    const swaps = debug; // then no mark is coerced, and so none strays
    const options = { pageSize, pagesPerBlock, maxRamBytes: maxPages * pageSize, debug };
    const memory = ground.engine(options, swaps ? SWAP_ALL : undefined);
    const gone = memory.ram.plug({ id: 'gone', size: pageSize });
    await memory.ram.unplug(gone);
    const disposed = memory.createPageSet();
    disposed.dispose();
    const engine = new ComparedEngine(memory, { ...machine, swaps });
    await engine.run({ kind: 'plug', pages: 90, room: 0, at: { edge: 0, pages: 0, bytes: 0 } });
    return new Fixture(engine, { memory, set: memory.createPageSet(), gone, disposed }, debug);
  }

  get world(): World {
    const { memory, set } = this.parts;
    const [block] = memory.ram;
    if (block === undefined) throw new Error('there is always RAM');
    const known = this.engine.sets[0]?.real ?? set;
    const { vcpu } = this.engine;
    return { ...this.parts, pageSize, vcpu, block, set: known, foreignBlock, foreignSet, ground: untouched };
  }

  async step(step: Step): Promise<void> {
    if (step.kind !== 'unplug' || this.engine.model.ram.length > 1) await this.engine.run(step);
  }

  /** Refused, and nothing has changed: not what can be seen, and not the arena's memory. */
  async refuse(call: HostileCall): Promise<void> {
    const before = this.state();
    const { args, outcome } = await makeCall(call, this.world);
    if (!this.wasCoerced(call, args, 'returned' in outcome)) expectRefusal(call, outcome);
    expect(this.state(), titleOf(call)).to.deep.equal(before);
  }

  /** All works as before: marks, queries, collections, grace periods; the arena's bytes all come back. */
  async end(): Promise<void> {
    const { bystander, engine } = this;
    expect(engine.vcpu).to.include({ online: true, inSection: false });
    bystander.quiescent();
    bystander.markRange(0, 0, 7);
    bystander.detach();
    this.parts.set.dispose();
    await engine.end();
    expect(foreignSet.pages).to.equal(1);
    expect(
      new Int32Array(untouched.buffer).some((word) => word !== 0),
      'memory of a refused engine',
    ).to.equal(false);
  }

  private state(): unknown {
    const { memory } = this.engine;
    // What grace periods that are over free is freed before the call: one may be running, and the next be wanted.
    for (let i = 0; i < 3; i++) memory.rcu.poll(1);
    const { gracePeriods, callbacksPending, freeBlocks, freeBlockBytes, zeroedBlocks, ...stats } = memory.stats();
    return stats;
  }

  /**
   * Outside debug mode the fast paths of `mark` and `markPage` take what can be made a number for it, and mark the page
   * that it lies in; the model does the same.
   */
  private wasCoerced(call: HostileCall, args: readonly unknown[], accepted: boolean): boolean {
    if (this.debug || !accepted || !coerces(call) || call.bad[1] !== undefined) return false;
    const { name } = call;
    const page = Math.floor(Number(args[0]) / (name === 'Vcpu.mark' ? pageSize : 1));
    if (!this.engine.model.canMark(page)) return false;
    this.engine.model.mark([page], name === 'Vcpu.mark' ? 7 : Number(args[1]));
    return true;
  }
}

const sequences = fc.array(
  fc.oneof(steps, { weight: 3, arbitrary: fc.record({ kind: fc.constant('hostile' as const), call: hostileCalls }) }),
  { minLength: 1, maxLength: 30, size: 'max' },
);

describe('bad arguments of any kind, to any operation, at any time', () => {
  for (const debug of [false, true]) {
    const title = `are refused, and the engine goes on as its model does${debug ? ', in debug mode' : ''}`;
    itInBothForms(title, 20, 120, async (numRuns) => {
      await fc.assert(
        fc.asyncProperty(sequences, async (sequence) => {
          const fixture = await Fixture.create(debug);
          for (const step of sequence) {
            if (step.kind === 'hostile') await fixture.refuse(step.call);
            else await fixture.step(step);
            fixture.engine.compare();
          }
          await fixture.end();
        }),
        { numRuns, ...SHRINKING },
      );
    });
  }
});

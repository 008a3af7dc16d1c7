/**
 * The protocol of the example, with threads that stop where it matters: all run on this one, which takes their steps in
 * the worst order. Each part of the protocol is left out once, to be seen missing.
 */
import { MessageChannel } from 'node:worker_threads';
import { expect } from 'chai';
import { CODE } from '../../lib/index.js';
import { collectAtOnce, foreignVcpu, PAGE, smallEngine } from '../support/engines.js';
import { until } from '../support/promises.js';
import { type CodePages, type Cpu, machine, type Protocol, protocol } from './translated-code.js';

const [PAGE_OF_CODE, START, OLD, NEW] = [1, PAGE, 10, 20];
/** The immediate of the first instruction. */
const OPERAND = START + 1;
const OTHER_BYTE = START + 1000;

class World {
  readonly memory = smallEngine();
  readonly guest = new Uint8Array(new SharedArrayBuffer(4 * PAGE));
  readonly cpus: Cpu[];
  private readonly channels: MessageChannel[] = [];
  private readonly pages: CodePages;

  constructor({ CodePages, Translations }: Protocol) {
    this.memory.ram.plug({ id: 'ram', size: 4 * PAGE });
    this.program([machine.SET, OLD, 0], [machine.OUT, 0, 0], [machine.JUMP, 0, 0]);
    this.cpus = ['a', 'b', 'c'].map((name) => {
      const channel = new MessageChannel();
      this.channels.push(channel);
      const mail = new Int32Array(new SharedArrayBuffer(4));
      const translations = new Translations(foreignVcpu(this.memory, name), this.guest, channel.port2, mail);
      return new machine.Cpu(translations);
    });
    const told = this.cpus.map(({ translations: { mail } }, i) => ({
      port: (this.channels[i] as MessageChannel).port1,
      mail,
    }));
    this.pages = new CodePages(this.memory, told);
  }

  program(...instructions: number[][]): void {
    this.guest.set(
      instructions.flatMap(([operation, value, addr]) => machine.instruction(operation, value, addr)),
      START,
    );
  }

  store(cpu: Cpu, addr: number, value: number): void {
    cpu.translations.store(0, addr, () => Atomics.store(this.guest, addr, value));
  }

  /** The ends of intervals. */
  report(...cpus: Cpu[]): void {
    for (const { translations } of cpus) {
      translations.vcpu.quiescent();
      translations.listen();
    }
  }

  /** The vCPU asks, and the owner, who hears of it at once, does what it can before a vCPU reports. */
  ask(cpu: Cpu): void {
    cpu.translations.pages.delete(PAGE_OF_CODE);
    void this.pages.clean(PAGE_OF_CODE);
  }

  async askAndWait(cpu: Cpu): Promise<void> {
    this.ask(cpu);
    await until(() => {
      this.report(...this.cpus);
      return cpu.translations.pages.has(PAGE_OF_CODE);
    });
  }

  /** @returns what the code puts out; undefined when there is no translation to be executed */
  execute(cpu: Cpu): number | undefined {
    cpu.pc = START;
    return cpu.step() ? cpu.out.at(-1) : undefined;
  }

  /** @returns what the code puts out in the end */
  async executeAtLast(cpu: Cpu): Promise<number | undefined> {
    const before = cpu.out.length;
    for (cpu.pc = START; cpu.out.length === before; ) if (!cpu.step()) await this.askAndWait(cpu);
    return cpu.out.at(-1);
  }

  async close(): Promise<void> {
    for (const { translations } of this.cpus) translations.vcpu.detach();
    for (const { port1 } of this.channels) port1.close();
    await this.memory.close();
  }
}

type Trio = readonly [a: Cpu, b: Cpu, c: Cpu];

/** @returns what `a` executed after the code was NEW; undefined when it had no translation */
type Schedule = (world: World, ...cpus: Trio) => Promise<number | undefined>;

/** What `a` executed at the worst moment, and later. */
async function outcome(broken: Partial<Protocol>, schedule: Schedule): Promise<(number | undefined)[]> {
  const world = new World({ ...protocol, ...broken });
  const cpus = world.cpus as unknown as Trio;
  try {
    return [await schedule(world, ...cpus), await world.executeAtLast(cpus[0])];
  } finally {
    await world.close();
  }
}

const schedules: readonly [title: string, without: string, broken: Partial<Protocol>, schedule: Schedule][] = [
  [
    'a store that another vCPU marked, finding the page dirty, just before it was made clean',
    'the grace period after the clear',
    {
      CodePages: class extends protocol.CodePages {
        override async clean(page: number): Promise<void> {
          this.tell({ page, clean: false });
          await this.memory.rcu.synchronize();
          collectAtOnce(this.memory, CODE, { first: page, end: page + 1 }).dispose();
          this.tell({ page, clean: true });
        }
      },
    },
    async (world, a, b, c) => {
      world.ask(a);
      world.report(a, b, c); // all have listened: now the owner clears it when it comes to that
      expect(b.translations.vcpu.mark(OPERAND)).to.equal(0);
      await until(() => !c.translations.isDirty(PAGE_OF_CODE));
      world.report(a, c);
      world.execute(a);
      Atomics.store(world.guest, OPERAND, NEW); // the store to b's mark, in its interval
      world.report(b, a);
      return world.execute(a);
    },
  ],
  [
    'a modification after which another vCPU has had the page made clean again',
    'the listener',
    {
      Translations: class extends protocol.Translations {
        override listen(): void {
          const before = this.pages.get(PAGE_OF_CODE);
          super.listen();
          if (before !== undefined) this.pages.set(PAGE_OF_CODE, before);
        }
      },
    },
    async (world, a, b) => {
      await world.askAndWait(a);
      expect(world.execute(a)).to.equal(OLD);
      world.store(b, OPERAND, NEW);
      await world.askAndWait(b);
      world.report(a);
      return world.execute(a);
    },
  ],
  [
    'a modification after which the page is made clean in the interval in which it executes',
    'the grace period before the clear',
    {
      CodePages: class extends protocol.CodePages {
        override async clean(page: number): Promise<void> {
          this.tell({ page, clean: false });
          await this.memory.testAndClear(page * PAGE, PAGE, CODE);
          this.tell({ page, clean: true });
        }
      },
    },
    async (world, a, b) => {
      await world.askAndWait(a);
      expect(world.execute(a)).to.equal(OLD);
      world.store(b, OPERAND, NEW);
      world.report(a);
      world.ask(b);
      return world.execute(a);
    },
  ],
  [
    'a modification whose mark found the page turned by a third vCPU, which has not come further than its mark',
    'the look before each block, though whoever turns a page tells all the others',
    {
      Translations: class extends protocol.Translations {
        override isDirty(): boolean {
          return false;
        }
        override store(pc: number, addr: number, access: () => void): boolean {
          const left = super.store(pc, addr, access);
          this.port.postMessage(PAGE_OF_CODE); // the owner drops it everywhere
          return left;
        }
      },
    },
    async (world, a, b, c) => {
      await world.askAndWait(a);
      expect(world.execute(a)).to.equal(OLD);
      let executed: number | undefined;
      b.translations.store(0, OTHER_BYTE, () => {
        expect(c.translations.vcpu.mark(OPERAND)).to.equal(0);
        Atomics.store(world.guest, OPERAND, NEW); // and c tells a by guest memory
        world.report(a);
        executed = world.execute(a);
      });
      return executed;
    },
  ],
  [
    'a modification of the rest of its own block, when its mark finds the page turned by another vCPU',
    'leaving the block after every store to its page',
    {
      Translations: class extends protocol.Translations {
        override store(pc: number, addr: number, access: () => void): boolean {
          const turned = this.vcpu.mark(addr);
          const left = super.store(pc, addr, access);
          return left && (turned & CODE) !== 0;
        }
      },
    },
    async (world, a, b) => {
      world.program(
        [machine.STORE, NEW, OPERAND + 4],
        [machine.SET, OLD, 0],
        [machine.OUT, 0, 0],
        [machine.JUMP, 0, 0],
      );
      await world.askAndWait(a);
      const { vcpu } = a.translations;
      const mark = vcpu.mark.bind(vcpu);
      vcpu.mark = (addr) => {
        vcpu.mark = mark;
        world.store(b, OTHER_BYTE, 1);
        return mark(addr);
      };
      world.execute(a);
      return a.out.at(-1);
    },
  ],
];

describe('A translation, in the protocol of the example,', () => {
  for (const [title, without, broken, schedule] of schedules) {
    it(`does not survive ${title}`, async () => {
      const [executed, last] = await outcome({}, schedule);
      expect(executed).to.be.oneOf([NEW, undefined]);
      expect(last).to.equal(NEW);
    });

    it(`does without ${without}`, async () => {
      const [executed] = await outcome(broken, schedule);
      expect(executed).to.equal(OLD);
    });
  }
});

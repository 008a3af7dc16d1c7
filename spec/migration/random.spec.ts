import { expect } from 'chai';
import fc from 'fast-check';
import { type Migration, MigrationError } from '../../lib/migration/index.js';
import { PAGE, smallEngine } from '../support/engines.js';
import { itInBothForms } from '../support/long.js';
import { attempt, expectArrived, expectStayed } from '../support/migration/attempt.js';
import { SendingMachine } from '../support/migration/machines.js';
import { MemoryArbiter } from '../support/migration/memory-arbiter.js';
import type { Fate } from '../support/migration/relay.js';

/** Done when the message of that number comes by, in either direction. */
interface Act {
  readonly at: number;
  readonly kind: 'store' | 'zero' | 'skip' | 'plug' | 'unplug' | 'replace' | 'cancel' | 'cut' | 'tear';
  readonly place: number;
  readonly pages: number;
}

const act = (...kinds: Act['kind'][]): fc.Arbitrary<Act> =>
  fc.record({
    at: fc.nat(25),
    kind: fc.constantFrom(...kinds),
    place: fc.nat(99),
    pages: fc.integer({ min: 1, max: 30 }),
  });
const acts = fc.tuple(
  fc.array(act('store', 'store', 'zero', 'skip', 'plug', 'unplug', 'replace'), { maxLength: 15 }),
  fc.option(act('cancel', 'cut', 'tear'), { freq: 1, nil: undefined }),
);

class Script {
  private readonly sender: SendingMachine;
  private readonly arbiter: MemoryArbiter;
  private count = 0;

  constructor(sender: SendingMachine, arbiter: MemoryArbiter) {
    this.sender = sender;
    this.arbiter = arbiter;
  }

  async perform(all: readonly Act[], migration: Migration): Promise<Fate> {
    const now = all.filter(({ at }) => at === this.count);
    this.count++;
    let fate: Fate = 'pass';
    for (const each of now) {
      if (each.kind === 'cancel') migration.cancel();
      else if (each.kind === 'cut' || each.kind === 'tear') fate = each.kind;
      else await this.change(each, migration);
    }
    return fate;
  }

  private async change({ kind, place, pages }: Act, migration: Migration): Promise<void> {
    const { sender, arbiter } = this;
    const blocks = [...sender.memory.ram];
    const block = blocks[place % Math.max(1, blocks.length)];
    if (kind === 'plug' || block === undefined) {
      if (arbiter.winner !== 'destination') this.plug(pages);
      return;
    }
    const first = place % (block.size / PAGE);
    const end = Math.min(first + pages, block.size / PAGE);
    if (kind === 'store' || kind === 'zero') {
      if (sender.state !== 'running') return;
      for (let page = first; page < end; page++) {
        sender.store(block.offset + page * PAGE + (place % 7), kind === 'zero' ? 0 : 1 + (place % 250));
      }
    } else if (kind === 'skip') {
      const given = await migration.skip(block.offset + first * PAGE, (end - first) * PAGE).catch((error) => {
        if (error instanceof MigrationError) return 0; // it has ended
        throw error;
      });
      // Whoever has them now does with them what it likes.
      if (given > 0 && sender.memory.ram.get(block.id) === block)
        sender.contents(block).fill(0, first * PAGE, end * PAGE);
    } else if (arbiter.winner !== 'destination') {
      await sender.unplug(block);
      if (kind === 'replace' && (arbiter.winner as string) !== 'destination') this.plug(pages, block.id);
    }
  }

  private plug(pages: number, id = `block ${this.count}`): void {
    if (this.sender.memory.ram.get(id) !== undefined) return;
    this.sender.contents(this.sender.plug(id, pages)).fill(pages);
  }
}

describe('A migration during which anything happens', () => {
  const title = 'takes the whole machine over, or leaves it as it is, to be migrated again';
  itInBothForms(title, 30, 100, async (numRuns) => {
    const seen = { arrived: 0, stayed: 0 };
    const property = fc.asyncProperty(acts, async ([changes, end]) => {
      const sender = new SendingMachine(smallEngine());
      sender.contents(sender.plug('low', 60)).fill(3, 0, 40 * PAGE);
      sender.plug('high', 100);
      const arbiter = new MemoryArbiter();
      const script = new Script(sender, arbiter);
      const all = end === undefined ? changes : [...changes, end];
      const outcome = await attempt(sender, {
        source: { arbiter, verify: true, downtimeMs: 0 },
        destination: { arbiter },
        policy: (_, migration) => script.perform(all, migration),
      });
      if (outcome.sent instanceof MigrationError) {
        seen.stayed++;
        expectStayed(sender, outcome);
        expect(outcome.sent.reason, outcome.sent.message).to.be.oneOf(
          end === undefined ? ['source'] : ['source', 'cancelled', 'link'],
        );
        expectArrived(sender, await attempt(sender, { source: { verify: true } }));
      } else {
        seen.arrived++;
        expectArrived(sender, outcome);
      }
    });
    await fc.assert(property, { numRuns });
    expect(seen.arrived).to.be.greaterThan(0);
    expect(seen.stayed).to.be.greaterThan(0);
  });
});

/**
 * Remembers where migrated machines are, so that no machine is sent twice. A machine that has gone runs elsewhere; if
 * it were sent again, it would also run in a third place. A machine whose migration is undecided may already run
 * elsewhere.
 */
import { UsageError } from '../../base/errors.js';
import type { DirtyMemory } from '../../dirty-memory.js';

/** An object stands for the migration that left the machine undecided. */
type Whereabout = 'leaving' | 'gone' | object;

export class Whereabouts {
  /** Machines that are here have no entry. */
  private readonly machines = new WeakMap<DirtyMemory, Whereabout>();

  /** @throws UsageError unless the machine is here */
  checkMayLeave(memory: DirtyMemory): void {
    const where = this.machines.get(memory);
    if (where === undefined) return;
    if (where === 'leaving') throw new UsageError('migrate: the machine is being migrated');
    if (where === 'gone') {
      throw new UsageError('migrate: the machine has gone, and runs elsewhere; close this engine');
    }
    throw new UsageError(
      'migrate: it is undecided whether the machine has gone; find out whether it runs elsewhere, and either call takeBack ' +
        'of the migration that left it so, or close this engine',
    );
  }

  leaves(memory: DirtyMemory): void {
    this.machines.set(memory, 'leaving');
  }

  stays(memory: DirtyMemory): void {
    this.machines.delete(memory);
  }

  /** @param how 'gone', or the migration that does not know whether the machine has gone */
  left(memory: DirtyMemory, how: 'gone' | object): void {
    this.machines.set(memory, how);
  }

  /** @throws (rejects) UsageError unless the migration left the machine undecided; what `resume` throws */
  async takeBack(memory: DirtyMemory, migration: object, resume: () => Promise<void>): Promise<void> {
    if (this.machines.get(memory) !== migration) {
      throw new UsageError('takeBack: this migration has not left its machine undecided');
    }
    this.machines.set(memory, 'leaving');
    try {
      await resume();
    } catch (error) {
      this.machines.set(memory, migration);
      throw error;
    }
    this.machines.delete(memory);
  }
}

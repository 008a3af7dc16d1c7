/**
 * Audits the stores that vCPUs make through `GuestRam` to a RAM block of their own, whose pages have real bytes. A page
 * that has changed without being dirty was stored to without a mark. Audits come and go, so that their client is not
 * tracked for the whole run.
 */
import type { Client } from '../dirty/client.js';
import { auditStores, type UnmarkedStore } from '../guest/audit.js';
import type { RamBlock } from '../ram/ram-block.js';
import type { AuditedRam } from './audited-ram.js';
import type { Choices } from './plan.js';
import { isOfFullArena, type Scene } from './scene.js';

export interface AuditFlowParts {
  readonly scene: Scene;
  readonly client: Client;
  readonly block: RamBlock;
  readonly ram: AuditedRam;
  readonly choices: Choices;
}

export class AuditFlow {
  checks = 0;
  pagesCompared = 0;
  private readonly parts: AuditFlowParts;

  constructor(parts: AuditFlowParts) {
    this.parts = parts;
  }

  /** Runs audits until the stop. */
  async run(): Promise<void> {
    const { scene, choices } = this.parts;
    while (!scene.guest.stopped) {
      await this.audit(choices.between(20, 100), () => scene.guest.stopped);
      await new Promise((resolve) => setTimeout(resolve, choices.between(0, 20)));
    }
  }

  /** To be called when the vCPUs have stopped: checks that what is left of RAM is as the last copy, or dirty. */
  async finish(): Promise<void> {
    await this.audit(2, () => false);
  }

  /** One audit of so many checks. */
  private async audit(most: number, isOver: () => boolean): Promise<void> {
    const { scene, client, block, ram, choices } = this.parts;
    const contents = (of: RamBlock): Uint8Array | undefined => (of === block ? ram.bytes : undefined);
    const { faults, scarce, memory } = scene;
    try {
      const audit = await auditStores(memory, contents, { client });
      try {
        for (let i = 0; i < most && !isOver(); i++) {
          this.tell(await audit.check());
          this.checks++;
          await new Promise((resolve) => setTimeout(resolve, choices.between(0, 20)));
        }
        this.pagesCompared += audit.pagesCompared;
      } finally {
        await audit.stop();
      }
    } catch (error) {
      if (!isOfFullArena(error, faults || scarce)) throw error;
    }
  }

  private tell(found: readonly UnmarkedStore[]): void {
    const [one] = found;
    if (one === undefined) return;
    const { block, offset, first, last } = one;
    const where = `bytes ${first} to ${last} of '${block.id}', in the page at ${offset}`;
    this.parts.scene.violations.report('unmarked-store', `${where}, were stored to, but are not dirty`);
  }
}

/** The messages between the judge and the two hosts, which are three processes. */
import type { MigrationFailure, MigrationProgress, MigrationResult, Side } from '../../migration/index.js';
import type { Digests } from './guest-machine.js';
import type { GuestPlan, TransferPlan } from './plan.js';

/** An order of the judge to a host. */
export type Order =
  | { readonly type: 'boot'; readonly plan: GuestPlan }
  | { readonly type: 'receive'; readonly port: number; readonly plan: GuestPlan; readonly transfer: TransferPlan }
  | {
      readonly type: 'migrate';
      readonly port: number;
      readonly transfer: TransferPlan;
      /** DIMMs that the host plugs or unplugs while it saves the state. */
      readonly toggledWhenSaved: readonly number[];
    }
  | { readonly type: 'cancel' }
  /** Plug the DIMM, or unplug it. `standing`: do it also while the machine is paused. */
  | { readonly type: 'toggle'; readonly dimm: number; readonly standing: boolean }
  | { readonly type: 'check' }
  /** The arbiter's answer to a claim. */
  | { readonly type: 'chosen'; readonly winner: Side };

/** A report of a host to the judge. */
export type Report =
  | { readonly type: 'booted' }
  /** The host is ready to receive a machine. */
  | { readonly type: 'receiving' }
  | { readonly type: 'progress'; readonly progress: MigrationProgress }
  /** The machine's vCPUs are about to run. */
  | { readonly type: 'runs'; readonly steps: readonly number[] }
  | { readonly type: 'stands' }
  /** An image of the machine when it leaves, or when it has arrived. */
  | ({ readonly type: 'saved' | 'loaded' } & Image)
  | { readonly type: 'claim'; readonly side: Side }
  | { readonly type: 'toggled'; readonly dimm: number; readonly plugged: boolean }
  | { readonly type: 'ended'; readonly outcome: Ended }
  | { readonly type: 'checked'; readonly runs: boolean; readonly steps: readonly number[]; readonly fault?: string }
  | { readonly type: 'violation'; readonly oracle: string; readonly detail: string };

export type ReportOf<Type extends Report['type']> = Extract<Report, { readonly type: Type }>;

/** What the judge compares of a paused machine. */
export interface Image {
  readonly steps: readonly number[];
  readonly digests: Digests;
  /** How long it took to compute the digests. */
  readonly hashMs: number;
}

/** How a migration has ended on one side. */
export type Ended =
  | { readonly ok: true; readonly result?: MigrationResult }
  | { readonly ok: false; readonly reason: MigrationFailure; readonly message: string };

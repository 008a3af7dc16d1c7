/** What the judge and the two hosts, processes of their own, say to each other. */
import type { MigrationFailure, MigrationProgress, MigrationResult, Side } from '../../migration/index.js';
import type { Digests } from './guest-machine.js';
import type { GuestPlan, TransferPlan } from './plan.js';

/** What the judge tells a host to do. */
export type Order =
  | { readonly type: 'boot'; readonly plan: GuestPlan }
  | { readonly type: 'receive'; readonly port: number; readonly plan: GuestPlan; readonly transfer: TransferPlan }
  | {
      readonly type: 'migrate';
      readonly port: number;
      readonly transfer: TransferPlan;
      /** DIMMs that are plugged or unplugged while the state is saved. */
      readonly toggledWhenSaved: readonly number[];
    }
  | { readonly type: 'cancel' }
  /** Plug the DIMM, or unplug it; also in a machine that stands? */
  | { readonly type: 'toggle'; readonly dimm: number; readonly standing: boolean }
  | { readonly type: 'check' }
  /** The answer to a claim. */
  | { readonly type: 'chosen'; readonly winner: Side };

/** What a host has to say. */
export type Report =
  | { readonly type: 'booted' }
  /** There is room for a machine. */
  | { readonly type: 'receiving' }
  | { readonly type: 'progress'; readonly progress: MigrationProgress }
  /** The machine's vCPUs are about to run. */
  | { readonly type: 'runs'; readonly steps: readonly number[] }
  | { readonly type: 'stands' }
  /** What the machine is when it leaves, and when it has arrived. */
  | ({ readonly type: 'saved' | 'loaded' } & Image)
  | { readonly type: 'claim'; readonly side: Side }
  | { readonly type: 'toggled'; readonly dimm: number; readonly plugged: boolean }
  | { readonly type: 'ended'; readonly outcome: Ended }
  | { readonly type: 'checked'; readonly runs: boolean; readonly steps: readonly number[]; readonly fault?: string }
  | { readonly type: 'violation'; readonly oracle: string; readonly detail: string };

export type ReportOf<Type extends Report['type']> = Extract<Report, { readonly type: Type }>;

/** A machine that stands. */
export interface Image {
  readonly steps: readonly number[];
  readonly digests: Digests;
  /** How long it took to make them. */
  readonly hashMs: number;
}

/** How an end of a migration has ended. */
export type Ended =
  | { readonly ok: true; readonly result?: MigrationResult }
  | { readonly ok: false; readonly reason: MigrationFailure; readonly message: string };

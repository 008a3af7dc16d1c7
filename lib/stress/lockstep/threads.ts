/** The two threads of a lockstep litmus test, each of which runs all variants. */
import type { MessagePort } from 'node:worker_threads';
import { Arena, type ArenaHandle } from '../../arena/arena.js';
import { Header } from '../../arena/layout.js';
import { attachReader } from '../attach-reader.js';
import { sabotagedParts } from '../sabotage/catalogue.js';
import { Board } from './board.js';
import { Mailbox } from './mailbox.js';
import { type Collect, LitmusOwner } from './owner.js';
import { Pair } from './pair.js';
import { isMisuse, type LitmusVariant } from './variant.js';
import { LitmusVcpu } from './vcpu.js';

export interface LitmusTask {
  readonly role: 'owner' | 'vcpu';
  readonly legs: readonly LitmusLeg[];
  /** Whether to repeat the legs until the board says stop. */
  readonly endless: boolean;
  readonly seed: number;
  readonly sabotage: string | undefined;
  readonly board: SharedArrayBuffer;
  /**
   * Connects the two threads: the owner sends the handle of each variant's engine; the vCPU answers when it has
   * detached.
   */
  readonly port: MessagePort;
}

/** A variant, and how many volleys it runs. */
export interface LitmusLeg {
  readonly variant: LitmusVariant;
  readonly volleys: number;
}

export interface LegResult {
  readonly variant: LitmusVariant;
  readonly volleys: number;
  readonly contested: number;
  readonly lost: number;
  readonly seconds: number;
}

interface Engine {
  readonly handle: ArenaHandle;
  readonly pair: SharedArrayBuffer;
}

const COLLECTS: Readonly<Record<LitmusVariant['collecting'], Collect>> = {
  exchange: (owner) => owner.harvest(),
  swap: (owner) => owner.harvest(),
  unsynchronized: (owner) => owner.harvestUnsynchronized(),
  bare: (owner) => owner.clear(),
};

/** @returns the results when the task's role is the owner; an empty list for the vCPU */
export async function runLitmusThread(task: LitmusTask): Promise<LegResult[]> {
  const board = new Board(task.board);
  try {
    return await (task.role === 'owner' ? own(task, board) : mark(task, board));
  } catch (error) {
    board.stop();
    throw error;
  } finally {
    task.port.close();
  }
}

function* legsOf({ legs, endless }: LitmusTask): Generator<LitmusLeg> {
  do yield* legs;
  while (endless);
}

async function own(task: LitmusTask, board: Board): Promise<LegResult[]> {
  const results: LegResult[] = [];
  const detached = new Mailbox<'detached'>(task.port);
  for (const { variant, volleys } of legsOf(task)) {
    const pair = new Pair();
    const owner = new LitmusOwner(pair, task.seed, sabotagedParts(task.sabotage), variant);
    task.port.postMessage({ handle: owner.memory.handle, pair: pair.buffer } satisfies Engine);
    const result = await runLeg(owner, variant, volleys, board);
    results.push(result);
    // A harvest that loses an update fails the run.
    if (result.lost > 0 && !isMisuse(variant)) board.stop();
    board.endVariant();
    if ((await detached.next()) === undefined) break; // the vCPU has ended, with an error that its own task reports
    await owner.close();
    if (board.stopped) break; // the vCPU notices when the port closes
  }
  return results;
}

async function runLeg(owner: LitmusOwner, variant: LitmusVariant, volleys: number, board: Board): Promise<LegResult> {
  const markFirst = variant.order === 'mark-first';
  const collect = COLLECTS[variant.collecting];
  const stopped = (): boolean => board.stopped;
  const began = performance.now();
  let done = 0;
  let contested = 0;
  let lost = 0;
  while (done < volleys && !board.stopped) {
    const volley = await owner.volley(markFirst, collect, stopped);
    if (volley === undefined) break;
    done++;
    if (volley.contested) contested++;
    lost += volley.lost;
    board.count(volley.lost);
  }
  return { variant, volleys: done, contested, lost, seconds: (performance.now() - began) / 1000 };
}

async function mark(task: LitmusTask, board: Board): Promise<LegResult[]> {
  let leg = 0;
  const engines = new Mailbox<Engine>(task.port);
  for (const _ of legsOf(task)) {
    const engine = await engines.next();
    if (engine === undefined) break;
    const { handle, pair } = engine;
    const { words } = Arena.attach('litmus', handle);
    const vcpu = attachReader(handle, { name: 'litmus', sabotage: task.sabotage });
    try {
      const litmus = new LitmusVcpu(new Pair(pair), vcpu, () => words.load(Header.Number));
      const current = leg++;
      const ended = (): boolean => board.stopped || board.hasEnded(current);
      while (litmus.volley(ended));
    } finally {
      vcpu.detach();
    }
    task.port.postMessage('detached');
  }
  return [];
}

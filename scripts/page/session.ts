/** One machine with its users, from its start to its end. */

import { Trace } from 'dirtymem/trace';
import { openEngine } from '../../lib/dirty-memory.js';
import type { Engine } from '../../lib/engine.js';
import type { Parts } from '../../lib/parts.js';
import { sabotagedParts } from '../../lib/stress/sabotage/catalogue.js';
import { CodePages } from '../../spec/machine/code-pages.js';
import { FRAME } from '../../spec/machine/guest-machine.js';
import * as layout from '../../spec/machine/hart/layout.js';
import { Machine } from '../../spec/machine/machine.js';
import { Screen } from '../../spec/machine/screen.js';
import { Follower } from './consumers/follower.js';
import { RestorableMachine } from './consumers/restorable-machine.js';
import { Rewinder } from './consumers/rewinder.js';
import { pageHost } from './machine/page-host.js';
import { PROGRAM } from './machine/program.js';
import { RAM } from './machine/sizes.js';
import { Turns } from './turns.js';
import { type Bug, moduleWith } from './what-if/bugs.js';
import { FleetingRam, ROOM } from './what-if/fleeting-ram.js';

/** Of each thread: enough for some tenths of a second of back-to-back harvests. */
const TRACED_EVENTS = 8192;

export interface SessionOptions {
  readonly harts: number;
  /** What to plant. */
  readonly bug: Bug | undefined;
  /** Called when a hart has failed, or what the page does by itself. */
  readonly failed: (error: Error) => void;
}

export class Session {
  readonly machine: Machine;
  readonly engine: Engine;
  readonly bug: Bug | undefined;
  readonly turns: Turns;
  readonly trace: Trace;
  /** When the trace's clock was 0, by `performance.now()`. */
  readonly tracedSince: number;
  readonly restorable: RestorableMachine;
  screen!: Screen;
  follower!: Follower;
  rewinder!: Rewinder;
  private readonly failed: (error: Error) => void;
  private readonly fleetingRam: FleetingRam;
  private code!: CodePages;

  private constructor(machine: Machine, engine: Engine, tracedSince: number, { bug, failed }: SessionOptions) {
    this.machine = machine;
    this.engine = engine;
    this.bug = bug;
    this.trace = Trace.open(machine.memory.handle);
    this.tracedSince = tracedSince;
    this.turns = new Turns(machine);
    this.restorable = new RestorableMachine(machine, this.turns);
    this.failed = failed;
    this.fleetingRam = new FleetingRam(machine, this.turns, failed);
  }

  static async begin(options: SessionOptions): Promise<Session> {
    const { harts, bug, failed } = options;
    const module = bug && (await moduleWith(bug));
    let engine: Engine | undefined;
    let tracedSince = 0;
    const parts: Parts = sabotagedParts(bug?.between === 'owner' ? bug.name : undefined);
    const machine = new Machine({
      harts,
      host: pageHost,
      ...(module && { module }),
      create(setup) {
        const opened = openEngine({ ...setup, ...ROOM, traceEvents: TRACED_EVENTS }, parts);
        engine = opened.engine;
        tracedSince = performance.now();
        return opened.memory;
      },
    });
    machine.plug(RAM).set(PROGRAM.image);
    machine.plug({ id: 'frame', offset: FRAME.offset, size: FRAME.bytes });
    machine.board.set(layout.BOARD_FRAME_BASE, layout.RAM_BASE + FRAME.offset);
    machine.board.set(layout.BOARD_FRAME_WIDTH, FRAME.width);
    machine.board.set(layout.BOARD_FRAME_HEIGHT, FRAME.height);
    machine.boot({ entry: layout.RAM_BASE, sbi: true });
    machine.threads.down.catch(failed);
    const session = new Session(machine, engine as Engine, tracedSince, options);
    await session.start();
    return session;
  }

  private async start(): Promise<void> {
    const { machine, failed } = this;
    this.code = await CodePages.begin(machine);
    this.screen = await Screen.begin(machine);
    this.follower = await Follower.begin(machine, failed);
    this.rewinder = new Rewinder(this.restorable, this.turns, failed);
    await machine.start();
    this.follower.start();
    if (this.bug?.replacesTables) this.fleetingRam.start();
  }

  get paused(): boolean {
    return this.turns.paused;
  }

  get ended(): boolean {
    return this.turns.ended;
  }

  async pause(): Promise<void> {
    this.turns.paused = true;
    await this.turns.alone(() => this.machine.pause());
  }

  async resume(): Promise<void> {
    await this.turns.alone(async () => {
      await this.rewinder.goOn();
      this.turns.paused = false;
      this.turns.letRun();
    });
  }

  async end(): Promise<void> {
    this.turns.ended = true;
    this.fleetingRam.stop();
    await this.turns.alone(async () => {
      await this.rewinder.stop();
      await this.follower.stop();
      await this.screen.stop();
      await this.code.stop();
      await this.machine.close();
    });
  }
}

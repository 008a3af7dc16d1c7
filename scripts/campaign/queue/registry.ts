/** The campaigns that the server knows, and how far each is. */
import { isOf } from './jobs.js';
import type { Server } from './server.js';

export interface Registered {
  readonly id: string;
  /** The name of the campaign's file, for people. */
  readonly name: string;
  readonly build: string;
  readonly total: number;
  readonly startedAt: string;
}

export interface Counts {
  readonly waiting: number;
  readonly running: number;
  readonly passed: number;
  readonly failed: number;
  /** Runs that have ended in the last ten minutes, by the clocks of the workers. */
  readonly recent: number;
}

const RECENT_MINUTES = 10;

export class Registry {
  private readonly server: Server;
  private readonly key: string;

  constructor(server: Server) {
    this.server = server;
    this.key = server.key('campaigns');
  }

  /** Whoever registers a campaign first names it. */
  async add(campaign: Registered): Promise<void> {
    await this.server.redis.hsetnx(this.key, campaign.id, JSON.stringify(campaign));
  }

  /** Oldest first. */
  async all(): Promise<Registered[]> {
    const fields = await this.server.redis.hgetall(this.key);
    const campaigns = Object.values(fields).map((text) => JSON.parse(text) as Registered);
    return campaigns.sort((a, b) => a.startedAt.localeCompare(b.startedAt));
  }

  async remove(id: string): Promise<void> {
    await this.server.redis.hdel(this.key, id);
  }

  async counts({ id, build }: Registered): Promise<Counts> {
    const [ids, recent] = await Promise.all([this.jobIds(build), this.recentIds(build)]);
    const count = (list: readonly string[]): number => list.filter((job) => isOf(id, job)).length;
    return {
      waiting: count(ids.waiting),
      running: count(ids.active),
      passed: count(ids.completed),
      failed: count(ids.failed),
      recent: count(recent),
    };
  }

  /** @returns runs a minute: of the last ten minutes, or since the campaign was started if that is less */
  static perMinute({ recent }: Counts, { startedAt }: Registered): number {
    const minutes = (Date.now() - Date.parse(startedAt)) / 60_000;
    return recent / Math.min(RECENT_MINUTES, Math.max(1, minutes));
  }

  private async recentIds(build: string): Promise<string[]> {
    const since = Date.now() - RECENT_MINUTES * 60_000;
    const keys = ['completed', 'failed'].map((state) => this.server.keyOf(build, state));
    const ids = await Promise.all(keys.map((key) => this.server.redis.zrangebyscore(key, since, '+inf')));
    return ids.flat();
  }

  /** The ids of a build's jobs, by their state: about 30 bytes each. */
  async jobIds(build: string): Promise<Readonly<Record<'waiting' | 'active' | 'completed' | 'failed', string[]>>> {
    const { server } = this;
    const [waiting, active, completed, failed] = await Promise.all([
      server.redis.lrange(server.keyOf(build, 'wait'), 0, -1),
      server.redis.lrange(server.keyOf(build, 'active'), 0, -1),
      server.redis.zrange(server.keyOf(build, 'completed'), 0, '-1'),
      server.redis.zrange(server.keyOf(build, 'failed'), 0, '-1'),
    ]);
    return { waiting, active, completed, failed };
  }

  /** @returns builds that have runs to do */
  async busyBuilds(): Promise<string[]> {
    const { server } = this;
    const builds = [...new Set((await this.all()).map(({ build }) => build))];
    const lengths = await Promise.all(
      builds.map(async (build) => {
        const keys = ['wait', 'active'].map((state) => server.keyOf(build, state));
        return Promise.all(keys.map((key) => server.redis.llen(key)));
      }),
    );
    return builds.filter((_, i) => lengths[i]?.some((length) => length > 0));
  }
}

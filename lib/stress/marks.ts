/**
 * Every way in which a thread can mark a page, and the thread's own account of the pages that its marks turned dirty:
 * the sum of what each call returned, kept apart from the engine's meter. Two oracles use the account: as many pages
 * are delivered as have turned dirty (conservation.ts), and each reader's dirty rate is right (rate-watch.ts).
 */
import type { Arena } from '../arena/arena.js';
import { Meter } from '../arena/layout.js';
import { ALL_CLIENTS, CLIENTS, type Client, MIGRATION, rootOf } from '../dirty/client.js';
import type { Vcpu } from '../dirty/vcpu.js';
import { GeneratedCode } from './generated-code.js';
import { BASE_SLOT, Counter, type Guest, type Place } from './guest.js';
import type { Finding } from './violations.js';

/**
 * By address; by page and client; by range for all clients at once; by range for one share of the clients after the
 * other; by a call that lists the pages; by generated code.
 */
export const MARK_FORMS = [
  'mark',
  'markPage',
  'markRange',
  'markRange by client',
  'markRangeAndList',
  'generated',
] as const;
export type MarkForm = (typeof MARK_FORMS)[number];

/** Most pages of one mark. */
export const MOST_AT_ONCE = 16;

/** Ways to mark a page for all clients by several masks, one after the other. */
const SHARES = [
  [1, 6],
  [5, 2],
  [4, 3],
  [2, 4, 1],
  [6, 1],
  [3, 4],
] as const;

export class Marks {
  private readonly arena: Arena;
  private readonly vcpu: Vcpu;
  private readonly guest: Guest;
  private readonly index: number;
  private readonly generated: GeneratedCode;
  /**
   * Bounds of the pages that turned dirty for MIGRATION, modulo 2^32. They are bounds because a range mark returns only
   * whether some page turned.
   */
  private atLeast = 0;
  private atMost = 0;
  /** The bounds and the meter at the last comparison. */
  private compared = { atLeast: 0, atMost: 0, metered: 0 };
  /** Exact number of pages of the base RAM that turned dirty, for each client in the order of `CLIENTS`. */
  private readonly ofBase = new Array<number>(CLIENTS.length).fill(0);
  private readonly made = new Array<number>(MARK_FORMS.length).fill(0);
  /** Receives the pages from `markRangeAndList`. */
  private readonly listed = new Uint32Array(MOST_AT_ONCE);
  private turns = 0;

  /** @param thread the thread's place, whose account it takes over, and how many threads had the place before */
  constructor(arena: Arena, vcpu: Vcpu, guest: Guest, thread: { readonly index: number; readonly tenancy: number }) {
    this.arena = arena;
    this.vcpu = vcpu;
    this.guest = guest;
    this.index = thread.index;
    this.generated = new GeneratedCode(arena, vcpu.meter);
    this.compared.metered = this.metered;
    guest.openAccount(thread.index, thread.tenancy);
  }

  /** To be called after every call that may have ended the interval. */
  beginInterval(): void {
    this.generated.beginInterval();
  }

  /**
   * Marks pages of a place for all clients. Pages of the base RAM are marked one by one, so that each call tells
   * exactly which page turned dirty.
   * @param inside byte offset of the mark within a page
   * @throws the same errors as the vCPU's marks
   */
  make(form: MarkForm, place: Place, first: number, count: number, inside: number): void {
    const step = place.slot === BASE_SLOT || !form.startsWith('markRange') ? 1 : count;
    this.made[MARK_FORMS.indexOf(form)] = (this.made[MARK_FORMS.indexOf(form)] as number) + count;
    for (let page = first; page < first + count; page += step) this.makeOne(form, place, page, step, inside);
  }

  /** Marks a range of the base RAM. `meterBase` must count later what turned dirty for MIGRATION. */
  makeBaseRange(first: number, count: number): void {
    const { pageSize } = this.arena.geometry;
    const mask = this.vcpu.markRange(first * pageSize, count * pageSize, MIGRATION);
    if (mask !== 0) this.account(1, count);
    for (let page = first; page < first + count; page++) {
      this.countBase(this.vcpu.markRange(page * pageSize, 1, ALL_CLIENTS - MIGRATION));
    }
  }

  /** To be called before stores that mark by themselves. @param pages how many they may turn dirty at most */
  mayTurn(pages: number): void {
    this.account(0, pages);
  }

  /**
   * Counts what the meter counted. To be called offline, after `compareMeter`, when all marks since the last comparison
   * were in the base RAM.
   */
  meterBase(pages: number): void {
    this.countBase(MIGRATION, pages);
  }

  /**
   * To be called offline, when all that the reader has counted is in its meter.
   * @returns how many pages the meter has counted since the last call, or how that number contradicts the thread's
   * account
   */
  compareMeter(): number | Finding {
    const { atLeast, atMost, metered, compared } = this;
    this.compared = { atLeast, atMost, metered };
    const pages = (metered - compared.metered) >>> 0;
    const least = (atLeast - compared.atLeast) >>> 0;
    const most = (atMost - compared.atMost) >>> 0;
    if (least <= pages && pages <= most) return pages;
    const detail = `the meter of ${this.vcpu.name} counted ${pages} pages, but its thread turned ${least} to ${most} pages dirty`;
    return { oracle: 'dirty-rate', detail };
  }

  flush(): void {
    for (let root = 0; root < CLIENTS.length; root++) {
      this.guest.count(Counter.Turned + root, this.ofBase[root] as number);
      this.ofBase[root] = 0;
    }
    for (let form = 0; form < MARK_FORMS.length; form++) {
      this.guest.count(Counter.Forms + form, this.made[form] as number);
      this.made[form] = 0;
    }
  }

  private makeOne(form: MarkForm, place: Place, page: number, pages: number, inside: number): void {
    const { vcpu, generated } = this;
    const { pageSize } = this.arena.geometry;
    const start = page * pageSize + inside;
    const length = pages * pageSize - inside;
    switch (form) {
      case 'mark':
        this.turned(place, vcpu.mark(start), 1);
        break;
      case 'markPage':
        for (let i = 0, next = this.turns++; i < CLIENTS.length; i++, next++) {
          this.turned(place, vcpu.markPage(page, CLIENTS[next % CLIENTS.length] as Client), 1);
        }
        break;
      case 'markRange':
        this.turned(place, vcpu.markRange(start, length, ALL_CLIENTS), pages);
        break;
      case 'markRange by client':
        for (const mask of SHARES[this.turns++ % SHARES.length] as readonly number[]) {
          this.turned(place, vcpu.markRange(start, length, mask), pages);
        }
        break;
      case 'markRangeAndList': {
        const client = CLIENTS[this.turns++ % CLIENTS.length] as Client;
        const listed = vcpu.markRangeAndList(start, length, client, this.listed);
        if (listed > 0 && client === MIGRATION) this.account(listed, listed);
        if (place.slot === BASE_SLOT) this.countBase(client, listed);
        this.turned(place, vcpu.markRange(start, length, ALL_CLIENTS - client), pages);
        break;
      }
      default: {
        if (!generated.covers(page)) {
          this.turned(place, vcpu.markRange(start, 1, ALL_CLIENTS), 1);
          break;
        }
        const mask = generated.mark(page, ALL_CLIENTS);
        // Enter the account first: what generated code counts is in the meter at once, and the meter must not be ahead
        // of the account.
        this.turned(place, mask, 1);
        generated.count(mask);
      }
    }
  }

  /** @param mask what a call returned @param pages how many pages the call was for */
  private turned(place: Place, mask: number, pages: number): void {
    if (mask === 0) return;
    if ((mask & MIGRATION) !== 0) this.account(1, pages);
    if (place.slot === BASE_SLOT) this.countBase(mask);
  }

  private account(atLeast: number, atMost: number): void {
    this.atLeast = (this.atLeast + atLeast) | 0;
    this.atMost = (this.atMost + atMost) | 0;
    this.guest.enter(this.index, this.atLeast, this.atMost);
  }

  private countBase(mask: number, pages = 1): void {
    for (const client of CLIENTS) {
      const root = rootOf(client);
      if ((mask & client) !== 0) this.ofBase[root] = (this.ofBase[root] as number) + pages;
    }
  }

  private get metered(): number {
    const { words } = this.arena;
    return (words.get(this.vcpu.meter + Meter.Dirtied) + words.get(this.vcpu.meter + Meter.Generated)) | 0;
  }
}

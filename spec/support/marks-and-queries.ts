/** The marks and queries of an owner and a vCPU, each with what the model says to it. */
import type { Client, DirtyMemory } from '../../lib/index.js';
import type { Vcpu } from '../../lib/vcpu.js';
import { CLIENTS } from './engines.js';
import type { MemoryModel } from './memory-model.js';
import type { Place, Step } from './random-steps.js';

export type MarkOrQuery = Exclude<Extract<Step, Place>['kind'], 'testAndClear' | 'snapshot' | 'setHas' | 'setDelete'>;

export interface Bytes {
  readonly start: number;
  readonly length: number;
  readonly client: Client;
  readonly mask: number;
}

export interface Expectation {
  readonly call: () => unknown;
  readonly answer: unknown;
  /** Else the call must be refused. */
  readonly allowed: boolean;
}

/** Marks in the model at once; `call` does it in the engine. */
export function markOrQuery(
  kind: MarkOrQuery,
  { start, length, client, mask }: Bytes,
  { memory, vcpu, model }: { memory: DirtyMemory; vcpu: Vcpu; model: MemoryModel },
): Expectation {
  const page = Math.floor(start / model.pageSize);
  const pages = model.touched(start, length);
  const within = pages.every((p) => p < model.endPage);
  const seenByOwner = (p: number, c: Client): boolean => model.isDirty(p, model.ownUserOf(c));
  const stored = (p: number, c: Client): boolean => model.isStored(p, c);
  const clean = (isSet: (page: number, client: Client) => boolean): number => {
    const clients = CLIENTS.filter((c) => (mask & c) !== 0);
    return clients.filter((c) => pages.some((p) => !isSet(p, c))).reduce((sum: number, c) => sum + c, 0);
  };
  const mark = (call: () => unknown, marked: readonly number[], clients: number, allowed: boolean): Expectation => ({
    call,
    answer: allowed ? model.mark(marked, clients) : 0,
    allowed,
  });
  const query = (call: () => unknown, answer: unknown): Expectation => ({ call, answer, allowed: within });
  const ofVcpu = (call: () => unknown, answer: unknown): Expectation => ({
    ...{ call, answer },
    allowed: pages.every((p) => p < model.endOfRam),
  });
  switch (kind) {
    case 'setDirty':
      return mark(() => (memory.setDirty(start, client) ? client : 0), [page], client, model.isRam(page));
    case 'setDirtyRange': {
      const allowed = pages.every((p) => model.isRam(p));
      return mark(() => memory.setDirtyRange(start, length, mask), pages, mask, allowed);
    }
    case 'isDirty':
      return query(
        () => memory.isDirty(start, length, client),
        pages.some((p) => seenByOwner(p, client)),
      );
    case 'allDirty':
      return query(
        () => memory.allDirty(start, length, client),
        pages.every((p) => seenByOwner(p, client)),
      );
    case 'includesClean':
      return query(() => memory.includesClean(start, length, mask), clean(seenByOwner));
    case 'vcpuMark':
      return mark(() => vcpu.mark(start), [page], 7, model.canMark(page));
    case 'vcpuMarkPage':
      return mark(() => vcpu.markPage(page, client), [page], client, model.canMark(page));
    case 'vcpuMarkRange': {
      const allowed = pages.every((p) => model.canMark(p));
      return mark(() => vcpu.markRange(start, length, mask), pages, mask, allowed);
    }
    case 'vcpuMarkRangeAndList': {
      const allowed = pages.every((p) => model.canMark(p));
      const turned = allowed ? pages.filter((p) => !stored(p, client)) : [];
      model.mark(turned, client);
      const list = new Uint32Array(pages.length + 1);
      const call = (): number[] => [...list.subarray(0, vcpu.markRangeAndList(start, length, client, list))];
      return { call, answer: turned, allowed };
    }
    case 'vcpuIsDirty':
      return ofVcpu(
        () => vcpu.isDirty(start, length, client),
        pages.some((p) => stored(p, client)),
      );
    case 'vcpuAllDirty':
      return ofVcpu(
        () => vcpu.allDirty(start, length, client),
        pages.every((p) => stored(p, client)),
      );
    case 'vcpuIncludesClean':
      return ofVcpu(() => vcpu.includesClean(start, length, mask), clean(stored));
  }
}

/** The design of this library. It also keeps the bitmaps of two more clients, and plugs RAM for all three. */
import { DirtyMemory, MIGRATION, type PageSet, type RamBlock } from '../../lib/index.js';
import { type ArenaHandle, attachVcpu, type Vcpu } from '../../lib/vcpu.js';
import { PAGE_SIZE } from '../subjects/pages.js';
import { type Design, type DesignOwner, type DesignVcpu, mostPages, type Shape, type Ticket } from './design.js';

/** A constant, because the client is also a constant in an emulator's code. */
const CLIENT = MIGRATION;

class Owner implements DesignOwner {
  private readonly memory: DirtyMemory;
  private readonly shape: Shape;
  private readonly into: PageSet;
  private readonly dimms: RamBlock[] = [];

  constructor(shape: Shape) {
    this.shape = shape;
    this.memory = DirtyMemory.create({
      pageSize: PAGE_SIZE,
      pagesPerBlock: shape.pagesPerBlock,
      maxRamBytes: mostPages(shape) * PAGE_SIZE,
      maxReaders: Math.max(64, shape.vcpus),
    });
    this.memory.ram.plug({ id: 'base', size: shape.basePages * PAGE_SIZE, offset: 0 });
    this.into = this.memory.createPageSet();
  }

  ticket(): Ticket {
    return { data: this.memory.handle, ports: [] };
  }

  async plug(): Promise<void> {
    const { basePages, dimmPages } = this.shape;
    const offset = (basePages + this.dimms.length * dimmPages) * PAGE_SIZE;
    const id = `dimm${this.dimms.length}`;
    this.dimms.push(this.memory.ram.plug({ id, size: dimmPages * PAGE_SIZE, offset }));
  }

  async unplug(): Promise<void> {
    const dimm = this.dimms.pop();
    if (dimm === undefined) throw new RangeError('unplug: there is no DIMM');
    await this.memory.ram.unplug(dimm);
    this.into.delete(dimm.offset, dimm.size);
  }

  async harvest(): Promise<number> {
    return (await this.memory.harvest(CLIENT, { into: this.into })).added;
  }

  taken(page: number): boolean {
    return this.into.has(page * PAGE_SIZE, PAGE_SIZE);
  }

  forget(): void {
    this.into.delete(0, mostPages(this.shape) * PAGE_SIZE);
  }

  async close(): Promise<void> {
    await this.memory.close();
  }
}

class EngineVcpu implements DesignVcpu {
  private readonly vcpu: Vcpu;

  constructor(handle: ArenaHandle) {
    this.vcpu = attachVcpu(handle);
  }

  mark(page: number): void {
    this.vcpu.markPage(page, CLIENT);
  }

  markAll(pages: Int32Array, from: number, end: number): void {
    const { vcpu } = this;
    for (let i = from; i < end; i++) vcpu.markPage(pages[i] as number, CLIENT);
  }

  markRange(first: number, end: number): void {
    this.vcpu.markRange(first * PAGE_SIZE, (end - first) * PAGE_SIZE, CLIENT);
  }

  quiescent(): void {
    this.vcpu.quiescent();
  }

  goOffline(): void {
    this.vcpu.goOffline();
  }

  goOnline(): void {
    this.vcpu.goOnline();
  }

  detach(): void {
    this.vcpu.detach();
  }
}

export const dirtymem: Design = {
  title: 'dirtymem',
  markFirst: true,
  open: (shape) => new Owner(shape),
  attach: (handle: ArenaHandle) => new EngineVcpu(handle),
};

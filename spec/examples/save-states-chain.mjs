import { open } from 'node:fs/promises';
import { readHeader, readInto, statePath, writeState } from './save-states-file.mjs';

export class SaveStates {
  /**
   * @param contents the bytes of each RAM block, by id
   * @param stopped runs a function with every vCPU stopped; then collect adds what is dirty to a set
   */
  constructor({ memory, pageSize, contents, folder, stopped, collect, next = { sequence: 0, parent: null } }) {
    Object.assign(this, { memory, pageSize, contents, folder, stopped, collect, next });
    this.zeros = Buffer.alloc(pageSize);
    this.piece = Math.max(pageSize, 2 ** 20); // what is copied, written and read at a time
    this.unsaved = memory.createPageSet();
    this.saving = false;
  }

  /** The vCPUs are stopped for the copying, not for the writing. Pages are unsaved until their file is whole. */
  async save() {
    if (this.saving) throw new Error('a save is under way');
    this.saving = true;
    try {
      const state = await this.stopped(() => this.copy());
      const parent = await writeState(this.folder, state);
      this.next = { sequence: state.sequence + 1, parent };
      this.unsaved.dispose();
      this.unsaved = this.memory.createPageSet();
      return state;
    } finally {
      this.saving = false;
    }
  }

  copy() {
    this.collect(this.unsaved);
    const blocks = [...this.memory.ram].map(({ id, offset, size }) => ({ id, offset, size }));
    const state = { ...this.next, pageSize: this.pageSize, blocks, runs: [], contents: [] };
    for (const run of this.unsaved.runs()) {
      for (const block of blocks) this.copyRun(state, block, run);
    }
    return state;
  }

  /** What of the run lies in the block: one may reach into the next, and what was unsaved may be unplugged by now. */
  copyRun({ runs, contents }, { id, offset, size }, run) {
    const end = Math.min(run.start + run.length, offset + size);
    for (let start = Math.max(run.start, offset); start < end; ) {
      const bytes = this.contents.get(id).subarray(start - offset, Math.min(end, start + this.piece) - offset);
      const zero = this.isZero(bytes, 0);
      let length = this.pageSize;
      while (length < bytes.length && this.isZero(bytes, length) === zero) length += this.pageSize;
      runs.push({ start, length, zero });
      if (!zero) contents.push(bytes.slice(0, length));
      start += length;
    }
  }

  isZero(bytes, at) {
    return this.zeros.equals(bytes.subarray(at, at + this.pageSize));
  }
}

/** @returns RAM as the last state has it that is whole and has all its ancestors; what to save next; why it is the last */
export async function restore(folder, { maxRamBytes = 2 ** 32 } = {}) {
  let machine = { blocks: [], next: { sequence: 0, parent: null } };
  for (;;) {
    const { sequence, parent } = machine.next;
    const file = await open(statePath(folder, sequence)).catch((error) => {
      if (error.code !== 'ENOENT') throw error;
    });
    if (file === undefined) return { ...machine, end: 'missing' };
    try {
      const state = await readHeader(file, maxRamBytes);
      if (state === undefined) return { ...machine, end: 'torn' };
      if (state.sequence !== sequence || state.parent !== parent) return { ...machine, end: 'another chain' };
      const blocks = await apply(file, state, machine.blocks);
      machine = { blocks, pageSize: state.pageSize, next: { sequence: sequence + 1, parent: state.digest } };
    } finally {
      await file.close();
    }
  }
}

async function apply(file, state, before) {
  const bytesOf = ({ offset, size }) =>
    before.find((block) => block.offset === offset && block.size === size)?.bytes ?? new Uint8Array(size);
  const blocks = state.blocks.map((block) => ({ ...block, bytes: bytesOf(block) }));
  let at = state.contentsAt;
  for (const { start, length, zero } of state.runs) {
    const { offset, bytes } = blocks.find((block) => start >= block.offset && start < block.offset + block.size);
    const place = bytes.subarray(start - offset, start - offset + length);
    if (zero) place.fill(0);
    else at += (await readInto(file, place, at)).length;
  }
  return blocks;
}

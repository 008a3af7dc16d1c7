/** A directory of a browser's private files, as the standard has them: what is written takes its place when the writer is closed. */
import type { OpfsDirectory, OpfsFile, OpfsWriter } from '../../../lib/save-states/index.js';

export class FakeDirectory implements OpfsDirectory {
  readonly files = new Map<string, Uint8Array>();

  async *keys(): AsyncGenerator<string> {
    yield* [...this.files.keys()];
  }

  async getFileHandle(name: string, { create = false } = {}): Promise<OpfsFile> {
    if (!this.files.has(name)) {
      if (!create) throw new DOMException('a file that is not there', 'NotFoundError');
      this.files.set(name, new Uint8Array());
    }
    return {
      getFile: async () => new Blob([this.files.get(name)?.slice() as Uint8Array<ArrayBuffer>]),
      createWritable: async ({ keepExistingData = false } = {}) => this.writer(name, keepExistingData),
    };
  }

  async removeEntry(name: string): Promise<void> {
    if (!this.files.delete(name)) throw new DOMException('a file that is not there', 'NotFoundError');
  }

  private writer(name: string, keep: boolean): OpfsWriter {
    let bytes = Buffer.from(keep ? (this.files.get(name) ?? []) : []);
    return {
      write: async (piece) => {
        bytes = Buffer.concat([bytes, piece]);
      },
      truncate: async (size) => {
        bytes = bytes.subarray(0, size);
      },
      close: async () => {
        this.files.set(name, new Uint8Array(bytes));
      },
      abort: async () => {},
    };
  }
}

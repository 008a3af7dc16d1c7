/** A state in the browser's own file system, which a page that is opened later can restore. */
import { beginChain, opfsStore, type StateStore } from 'dirtymem/save-states';
import { button, element, say } from '../dom.js';
import { bytes } from '../numbers.js';
import type { Panel } from '../panel.js';
import type { Session } from '../session.js';

const FOLDER = 'dirtymem-page';

export class SavedView implements Panel {
  private session: Session | undefined;
  private readonly said = element('#saved-said');

  constructor(failed: (error: Error) => void) {
    button('#save').addEventListener('click', () => this.busy(() => this.save()).catch(failed));
    button('#restore').addEventListener('click', () => this.busy(() => this.restore()).catch(failed));
  }

  attach(session: Session): void {
    this.session = session;
    this.look().catch(() => {
      button('#save').disabled = true;
      say(this.said, 'This browser gives the page no files.');
    });
  }

  private async look(): Promise<void> {
    const folder = await this.folder();
    for await (const _ of folder.keys()) button('#restore').disabled = false;
  }

  private async folder(): Promise<FileSystemDirectoryHandle> {
    return (await navigator.storage.getDirectory()).getDirectoryHandle(FOLDER, { create: true });
  }

  private async store(): Promise<StateStore> {
    return opfsStore(await this.folder());
  }

  private async save(): Promise<void> {
    const { session } = this;
    if (session === undefined) return;
    const store = await this.store();
    const saved = await session.turns.alone(async () => {
      const chain = await beginChain(session.restorable, store, { overwrite: true, name: 'saver' });
      try {
        return await chain.save();
      } finally {
        await chain.stop();
      }
    });
    say(this.said, `Saved: ${saved.pages} pages, ${bytes(saved.bytes)}.`);
  }

  private async restore(): Promise<void> {
    const { session } = this;
    if (session === undefined) return;
    const store = await this.store();
    const { blocks } = await session.turns.standing(async () => {
      await session.rewinder.forget();
      return session.restorable.restore(store);
    });
    say(this.said, `Restored: ${blocks.map(({ id }) => id).join(', ')}.`);
  }

  private async busy(action: () => Promise<void>): Promise<void> {
    button('#save').disabled = button('#restore').disabled = true;
    try {
      await action();
    } finally {
      button('#save').disabled = false;
      await this.look();
    }
  }
}

/** What the guest prints, and a line to type to it. */
import { element, find, input } from '../dom.js';
import type { Panel } from '../panel.js';
import type { Session } from '../session.js';

const MOST_LETTERS = 4000;
const NEWLINE = 10;

export class ConsoleView implements Panel {
  private readonly printed = element('#printed');
  private session: Session | undefined;

  constructor() {
    find('#console', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault();
      this.type();
    });
  }

  attach(session: Session): void {
    this.session = session;
    this.printed.textContent = '';
    const { threads } = session.machine;
    this.show(threads.printed);
    threads.onPrint = (text) => this.show(text);
  }

  private show(text: string): void {
    this.printed.textContent = ((this.printed.textContent ?? '') + text).slice(-MOST_LETTERS);
    this.printed.scrollTop = this.printed.scrollHeight;
  }

  private type(): void {
    const typed = input('#typed');
    const { board } = this.session?.machine ?? {};
    for (const byte of [...new TextEncoder().encode(typed.value), NEWLINE]) board?.type(byte);
    typed.value = '';
  }
}

/** Commands and events of WebDriver BiDi over a WebSocket (w3c.github.io/webdriver-bidi). */
import { once } from 'node:events';
import { WebSocket } from 'ws';

type Message =
  | { readonly type: 'success'; readonly id: number; readonly result: unknown }
  | { readonly type: 'error'; readonly id: number; readonly error: string; readonly message: string }
  | { readonly type: 'event'; readonly method: string; readonly params: unknown };

interface Waiting {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

export class Bidi {
  onEvent: ((method: string, params: unknown) => void) | undefined;
  private readonly socket: WebSocket;
  private readonly waiting = new Map<number, Waiting>();
  private sent = 0;

  static async connect(url: string): Promise<Bidi> {
    const socket = new WebSocket(url);
    await once(socket, 'open');
    return new Bidi(socket);
  }

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data) => this.receive(JSON.parse(String(data)) as Message));
    socket.on('close', () => {
      for (const { reject } of this.waiting.values()) reject(new Error('the browser has closed the connection'));
      this.waiting.clear();
    });
  }

  /** @throws (rejects) Error with the browser's words */
  send<T>(method: string, params: object): Promise<T> {
    const id = ++this.sent;
    return new Promise<T>((resolve, reject) => {
      this.waiting.set(id, { resolve: (result) => resolve(result as T), reject });
      this.socket.send(JSON.stringify({ id, method, params }));
    });
  }

  close(): void {
    this.socket.close();
  }

  private receive(message: Message): void {
    if (message.type === 'event') {
      this.onEvent?.(message.method, message.params);
      return;
    }
    const waiting = this.waiting.get(message.id);
    this.waiting.delete(message.id);
    if (message.type === 'success') waiting?.resolve(message.result);
    else waiting?.reject(new Error(`${message.error}: ${message.message}`));
  }
}

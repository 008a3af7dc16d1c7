/** Base classes of owners that keep the pages they have collected in a bitmap of their own. */
import { MessageChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import type { Shape } from './design.js';
import { Taken } from './taken.js';

export class TakingOwner {
  protected readonly shape: Shape;
  readonly set: Taken;

  constructor(shape: Shape) {
    this.shape = shape;
    this.set = new Taken(shape);
  }

  taken(page: number): boolean {
    return this.set.has(page);
  }

  forget(): void {
    this.set.clear();
  }

  async close(): Promise<void> {}
}

/** An owner that tells vCPUs of new bitmaps by message. */
export class TellingOwner<News> extends TakingOwner {
  private readonly ports: MessagePort[] = [];

  /** @returns the vCPU's port */
  protected openPort(): MessagePort {
    const { port1, port2 } = new MessageChannel();
    port1.unref();
    this.ports.push(port1);
    return port2;
  }

  protected tell(news: News): void {
    for (const port of this.ports) port.postMessage(news);
  }

  override async close(): Promise<void> {
    for (const port of this.ports) port.close();
  }
}

/** Reads all messages of the owner at once, in a thread that does not return to its event loop. */
export function readNews<News>(port: MessagePort, take: (news: News) => void): void {
  for (let news = receiveMessageOnPort(port); news !== undefined; news = receiveMessageOnPort(port)) take(news.message);
}

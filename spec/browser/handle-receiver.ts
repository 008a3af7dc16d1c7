/**
 * Takes a handle wherever a page can send one: in workers of each kind, a frame, and from a channel. Whether it has
 * arrived, so that a reader can attach by it, is told to all by another channel.
 */
import { attachVcpu } from '../../lib/vcpu.js';

export interface Told {
  readonly place: string;
  readonly outcome: 'ready' | 'arrives' | 'is null' | 'is lost';
}

interface Source {
  onmessage: ((event: MessageEvent) => void) | null;
  onmessageerror: ((event: MessageEvent) => void) | null;
}

const place = new URL(import.meta.url).searchParams.get('place') as string;
const all = new BroadcastChannel('told');
const tell = (outcome: Told['outcome']): void => all.postMessage({ place, outcome } satisfies Told);

function hear(source: Source): void {
  source.onmessage = ({ data }) => {
    if (data === null) return tell('is null');
    const vcpu = attachVcpu(data, { name: place });
    if (vcpu.mark(0) !== 0) tell('arrives');
    vcpu.detach();
  };
  source.onmessageerror = () => tell('is lost');
}

hear(place === 'a broadcast channel' ? new BroadcastChannel('handles') : (globalThis as unknown as Source));
Object.assign(globalThis, { onconnect: ({ ports }: MessageEvent) => hear(ports[0] as MessagePort) });
tell('ready');

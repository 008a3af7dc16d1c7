/** Where a page can send an engine's handle, and what becomes of it there. */
import { type DirtyMemory, MIGRATION } from '../../lib/index.js';
import { attachVcpu } from '../../lib/vcpu.js';
import { cleanAll, PAGE, smallEngine } from '../support/engines.js';
import type { Told } from './handle-receiver.js';

type Send = (memory: DirtyMemory) => unknown;

const receiver = (place: string): string =>
  new URL(`./handle-receiver.js?place=${encodeURIComponent(place)}`, import.meta.url).href;
const worker = (place: string): Worker => new Worker(receiver(place), { type: 'module' });

/** Starts what takes the handle. @returns what sends it there */
const RECEIVERS: Readonly<Record<string, (place: string) => Send | Promise<Send>>> = {
  'a worker': (place) => {
    const started = worker(place);
    return ({ handle }) => started.postMessage(handle);
  },
  'a frame of the same origin': async (place) => {
    const frame = document.createElement('iframe');
    frame.src = '/';
    const loaded = new Promise((resolve) => frame.addEventListener('load', resolve));
    document.body.append(frame);
    await loaded;
    const script = frame.contentDocument?.createElement('script') as HTMLScriptElement;
    Object.assign(script, { type: 'module', src: receiver(place) });
    frame.contentDocument?.head.append(script);
    return ({ handle }) => frame.contentWindow?.postMessage(handle);
  },
  'a broadcast channel': (place) => {
    worker(place);
    return ({ handle }) => new BroadcastChannel('handles').postMessage(handle);
  },
  'a shared worker': (place) => {
    const { port } = new SharedWorker(receiver(place), { type: 'module' });
    return ({ handle }) => port.postMessage(handle);
  },
  'a service worker': async (place) => {
    const { installing, active } = await navigator.serviceWorker.register(receiver(place), { type: 'module' });
    return ({ handle }) => (active ?? installing)?.postMessage(handle);
  },
};

/** Places that keep it, where nobody needs to take it. */
const STORES: Readonly<Record<string, Send>> = {
  structuredClone: ({ handle }) => attachVcpu(structuredClone(handle)).detach(),
  history: ({ handle }) => history.replaceState(handle, ''),
  IndexedDB: async ({ handle }) => {
    const opening = indexedDB.open('handles');
    opening.onupgradeneeded = () => opening.result.createObjectStore('handles');
    await new Promise((resolve) => {
      opening.onsuccess = resolve;
    });
    opening.result.transaction('handles', 'readwrite').objectStore('handles').put(handle, 'handle');
  },
};

/** @returns for each place `arrives`, `is null`, `is lost` (a messageerror there), or the error's name that sending throws */
export async function handlePlaces(): Promise<Record<string, string>> {
  const told = new BroadcastChannel('told');
  const outcomes: Record<string, string> = {};
  const hears = (place: string, wanted: (outcome: Told['outcome']) => boolean): Promise<string> =>
    new Promise((resolve) => {
      const hear = ({ data }: MessageEvent<Told>): void => {
        if (data.place === place && wanted(data.outcome)) resolve(data.outcome);
      };
      told.addEventListener('message', hear);
    });
  const outcomeOf = async (send: Send, arrival: Promise<string> | string): Promise<string> => {
    const memory = smallEngine();
    memory.ram.plug({ id: 'dimm0', size: 64 * PAGE });
    cleanAll(memory);
    try {
      await send(memory);
      const outcome = await arrival;
      if (outcome === 'arrives' && arrival !== outcome && !memory.isDirty(0, 1, MIGRATION)) return 'is another memory';
      return outcome;
    } catch (error) {
      return (error as Error).name;
    } finally {
      await memory.close();
    }
  };
  for (const [place, start] of Object.entries(RECEIVERS)) {
    const ready = hears(place, (outcome) => outcome === 'ready');
    const arrival = hears(place, (outcome) => outcome !== 'ready');
    const send = await start(place);
    await ready;
    outcomes[place] = await outcomeOf(send, arrival);
  }
  for (const [place, send] of Object.entries(STORES)) outcomes[place] = await outcomeOf(send, 'arrives');
  told.close();
  return outcomes;
}

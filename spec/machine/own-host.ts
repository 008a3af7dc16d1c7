/** The host where there is only one to choose: in Node. A page has a host of its own, and hands it to the machine. */
import type { Host } from './host.js';

export const ownHost: Host | undefined =
  'process' in globalThis ? (await import('./node-host.js')).nodeHost : undefined;

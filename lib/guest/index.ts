/**
 * dirtymem, the door to guest RAM: `GuestRam`, through which an interpreter in JavaScript loads and stores with little
 * more than the cost of a typed array, and `auditStores`, which names the pages that a forgotten store path has changed.
 */
export type { ReadModifyWrite } from '../arena/words.js';
export {
  type AuditOptions,
  auditStores,
  type BlockContents,
  type StoreAudit,
  type StoreAuditWhileStopped,
  type UnmarkedStore,
} from './audit.js';
export type { GuestBytes } from './guest-bytes.js';
export { type AtomicBits, GuestRam, type GuestRamOptions, type GuestRamPart } from './guest-ram.js';
export type { CodeTurned } from './marked-windows.js';

/**
 * dirtymem: the entry point for save states. A chain of states is kept in a file, in a browser's private files, or in
 * memory, and each state has what was stored to RAM since the state before it. docs/save-states.md has the format, and
 * says what holds when something fails.
 */
export type { ArrivingMachine, BlockPlace, StoppableMachine } from '../machine/hooks.js';
export type { BeginOptions, ChainOptions, ContinueOptions, RestoreOptions, SaveOptions } from './options.js';
export type { ChainEnd } from './record-reader.js';
export { type Restored, type RestoringMachine, restore } from './restore.js';
export { SaveStateError, type SaveStateFailure } from './save-state-error.js';
export type { SavedBlock } from './saved-blocks.js';
export { beginChain, continueChain, type SavedState, StateChain } from './state-chain.js';
export { fileStore } from './stores/file-store.js';
export { type MemoryStore, memoryStore } from './stores/memory-store.js';
export {
  type OpfsContents,
  type OpfsDirectory,
  type OpfsFile,
  type OpfsWriter,
  opfsStore,
} from './stores/opfs-store.js';
export type { FileStoreOptions, StateStore } from './stores/store.js';

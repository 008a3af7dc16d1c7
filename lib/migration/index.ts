/**
 * dirtymem: the entry point for live migration. A running machine, whose dirty pages an engine tracks, moves to another
 * process over a stream. The process that has the machine calls `migrate`; the process that gets it calls `receive`.
 */
export type { ArrivingMachine, BlockPlace, StoppableMachine } from '../machine/hooks.js';
export type { Arbiter, Side } from './arbiter.js';
export { type Received, receive } from './destination/destination.js';
export type { DestinationMachine, SourceMachine } from './machine.js';
export { MigrationError, type MigrationFailure, type UnequalRange } from './migration-error.js';
export type { LinkOptions, MigrateOptions, ReceiveOptions } from './options.js';
export type { MigrationPhase, MigrationProgress, MigrationResult, MigrationTotals } from './progress.js';
export { type Migration, type MigrationEvents, migrate } from './source/source.js';
export type { UncountedPages, UncountedReader } from './source/uncounted.js';
export type { ByteStream } from './wire/byte-stream.js';

/**
 * dirtymem/trace: what an engine and its readers did, event by event: for a page that draws lanes, a report of what went
 * wrong, or Perfetto. An engine records only if `DirtyMemory.create` was given `traceEvents`.
 */
export { type ChromeTrace, type ChromeTraceEntry, chromeTrace } from './chrome-trace.js';
export type {
  OfflineReason,
  OwnerEvent,
  PublishReason,
  ReaderEvent,
  TraceEvent,
  TraceOperation,
  TraceThread,
} from './events.js';
export { type Lane, type Lanes, lanesOf, type PeriodSpan, type Span } from './lanes.js';
export { Trace } from './trace.js';

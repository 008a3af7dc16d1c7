/**
 * Objects that cannot be sent to another thread have one of these functions as their first field. `postMessage` and
 * `workerData` refuse a function, and V8 puts the function's text into the message of its DataCloneError. So the
 * function's name says what to send instead. Without it the message would show the first function that happens to be
 * somewhere inside the engine.
 */

export function sendMemoryHandleInsteadOfTheDirtyMemory(): void {}

export function sendOffsetAndSizeInsteadOfTheRamBlock(): void {}

export function sendTheRunsInsteadOfThePageSet(): void {}

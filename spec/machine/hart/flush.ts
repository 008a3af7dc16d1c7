/** Dropping what a hart keeps: because another hart or the host asks for it, and when its interval ends. */
import { dropStaleCode } from './code-pages';
import { FLUSH_DONE, FLUSH_WANTED } from './layout';
import { forgetBlock, quiescent } from './mark';
import { area } from './state';
import { dropAll, dropMarks } from './tlb';
import { TRACKING, WRITE_TLB } from './tracking';

export function dropEverything(): void {
  dropAll();
  dropStaleCode();
}

/** After each quiescent state: what was asked before a grace period began has then been done before it ends. */
export function answer(): void {
  const wanted = atomic.load<u32>(area, FLUSH_WANTED);
  if (wanted == load<u32>(area, FLUSH_DONE)) return;
  dropEverything();
  atomic.store<u32>(area, wanted, FLUSH_DONE);
}

/** While a hart waits for another one in mid-instruction. */
export function breathe(): void {
  quiescent();
  answer();
}

/** An interval of the vCPU has ended and another has begun. What a mark stands for has ended with it (DM-7). */
export function beginInterval(): void {
  forgetBlock();
  if (TRACKING == WRITE_TLB) dropMarks();
}

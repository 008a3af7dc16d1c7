/** What the program of the page keeps in each page of RAM, and which hart stores there. */
import { FRAME } from '../../../spec/machine/guest-machine.js';
import { OWN_AT } from '../../../spec/machine/guests/guest.js';
import * as layout from '../../../spec/machine/hart/layout.js';
import { MIB } from '../../../spec/machine/machine.js';
import { NEIGHBOURS, PARTS } from './program.js';
import { DIMMS } from './sizes.js';

export interface Place {
  readonly what: string;
  /** The hart that stores there; undefined: several, or none. */
  readonly hart: number | undefined;
}

const pageOf = (address: number): number => (address - layout.RAM_BASE) / layout.PAGE_BYTES;
const NEIGHBOURS_AT = pageOf(NEIGHBOURS.at);
const OWN_PAGE = pageOf(OWN_AT);
const MIB_PAGES = MIB / layout.PAGE_BYTES;

export function placeOf(page: number, harts: number): Place {
  const within = (first: number, pages: number): boolean => page >= first && page < first + pages;
  if (within(NEIGHBOURS_AT, NEIGHBOURS.pages * harts)) {
    return of('pages of all harts in turn', (page - NEIGHBOURS_AT) % harts);
  }
  if (within(OWN_PAGE, PARTS.length * harts * MIB_PAGES)) {
    const mib = Math.floor((page - OWN_PAGE) / MIB_PAGES);
    return of(PARTS[Math.floor(mib / harts)]?.name ?? '', mib % harts);
  }
  const frame = FRAME.offset / layout.PAGE_BYTES;
  if (within(frame, FRAME.bytes / layout.PAGE_BYTES)) {
    const line = Math.floor(((page - frame) * layout.PAGE_BYTES) / (4 * FRAME.width));
    if (line >= FRAME.height) return of('behind the framebuffer', undefined);
    return of('framebuffer', Math.floor((line * harts) / FRAME.height));
  }
  const dimms = DIMMS.offset / layout.PAGE_BYTES;
  if (within(dimms, (DIMMS.slots * DIMMS.bytes) / layout.PAGE_BYTES)) return of('a DIMM', (page - dimms) % harts);
  return of(page < pageOf(OWN_AT) ? 'the program and what it shares' : 'not used', undefined);
}

function of(what: string, hart: number | undefined): Place {
  return { what: hart === undefined ? what : `${what}, hart ${hart}'s`, hart };
}

/** The guests, each of which checks itself, and a guest that does what all of them do. */
import { CODE_CHANGES } from './code.js';
import { CHECKSUM, COPY, SIEVE, SORT } from './computing.js';
import { DIMM_USER, DRAWING } from './devices.js';
import { mixed } from './guest.js';
import { PAGING, QUIET } from './quiet.js';

export const GUESTS = [SORT, SIEVE, CHECKSUM, COPY, QUIET, PAGING, CODE_CHANGES, DRAWING, DIMM_USER];
export const EVERYTHING = mixed(GUESTS);

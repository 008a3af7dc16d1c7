import type { Figure } from '../harness/figure.js';

/** Follows a figure when others on the machine disturbed most of its rounds. */
export const mark = ({ disturbed = 0, rounds }: Figure): string => (disturbed * 2 > rounds ? ' ~' : '');

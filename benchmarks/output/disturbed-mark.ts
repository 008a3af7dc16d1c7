import type { Figure } from '../harness/figure.js';

/** @returns a sign to print after a figure if other processes disturbed most of its rounds */
export const mark = ({ disturbed = 0, rounds }: Figure): string => (disturbed * 2 > rounds ? ' ~' : '');

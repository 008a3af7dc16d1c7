/** Medians and quartiles, because on a shared machine means and extremes mostly show what other processes do. */
export { median, quantile } from 'simple-statistics';

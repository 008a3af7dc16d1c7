/** Medians and quartiles: on a machine that is shared, means and extremes tell of the neighbours. */
export { median, quantile } from 'simple-statistics';

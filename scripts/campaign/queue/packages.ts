/** The packages that only `--queue` needs, besides those that all of the command line needs. */
export const QUEUE_PACKAGES: readonly string[] = ['bullmq', 'ioredis'];

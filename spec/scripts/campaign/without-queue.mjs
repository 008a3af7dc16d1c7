/** Has this process find none of the packages that `--queue` needs. */
import module from 'node:module';

const hooks = `export function resolve(name, context, next) {
  if (name !== 'bullmq' && name !== 'ioredis') return next(name, context);
  throw Object.assign(new Error("Cannot find package '" + name + "'"), { code: 'ERR_MODULE_NOT_FOUND' });
}`;
module.register(`data:text/javascript,${encodeURIComponent(hooks)}`);

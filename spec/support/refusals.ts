/** Calls that must be refused: with an error of a class, whose message has all of the given parts. */
import { expect } from 'chai';

type ErrorClass = new (...args: never[]) => Error;

function check(caught: unknown, type: ErrorClass, parts: readonly (string | number)[]): void {
  expect(caught, 'an error').to.be.instanceOf(type);
  const { message } = caught as Error;
  for (const part of parts) expect(message).to.contain(String(part));
}

export function expectThrow(call: () => unknown, type: ErrorClass, ...parts: (string | number)[]): void {
  let caught: unknown;
  try {
    call();
  } catch (error) {
    caught = error;
  }
  check(caught, type, parts);
}

/** The call may not throw: it returns a promise that rejects. */
export async function expectReject(
  call: () => Promise<unknown>,
  type: ErrorClass,
  ...parts: (string | number)[]
): Promise<void> {
  let caught: unknown;
  await call().then(
    () => {},
    (error) => {
      caught = error;
    },
  );
  check(caught, type, parts);
}

/** The errors that became the process's while `body` ran, and the rejections that nobody handled. */
export async function uncaughtDuring(body: () => Promise<void>): Promise<unknown[]> {
  const errors: unknown[] = [];
  const others = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  const note = (error: unknown): void => void errors.push(error);
  process.on('uncaughtException', note);
  process.on('unhandledRejection', note);
  try {
    await body();
    await new Promise((resolve) => setImmediate(resolve));
  } finally {
    process.off('uncaughtException', note);
    process.off('unhandledRejection', note);
    for (const other of others) process.on('uncaughtException', other);
  }
  return errors;
}

/** The engine's events, without a dependency on Node. Each listener runs in a microtask of its own. */
import { checkFunction, throwInOwnTurn, wrongType } from './errors.js';

export class Events<Map extends { [Name in keyof Map]: unknown }> {
  private readonly listeners = new globalThis.Map<keyof Map, Set<(event: never) => void>>();
  private readonly names: readonly (keyof Map)[];

  constructor(names: readonly (keyof Map)[]) {
    this.names = names;
  }

  on<Name extends keyof Map>(name: Name, listener: (event: Map[Name]) => void): void {
    this.check('on', name, listener);
    const set = this.listeners.get(name) ?? new Set();
    this.listeners.set(name, set.add(listener));
  }

  off<Name extends keyof Map>(name: Name, listener: (event: Map[Name]) => void): void {
    this.check('off', name, listener);
    this.listeners.get(name)?.delete(listener);
  }

  /** @returns true when the event has a listener */
  emit<Name extends keyof Map>(name: Name, event: Map[Name]): boolean {
    const set = this.listeners.get(name);
    if (set === undefined || set.size === 0) return false;
    for (const listener of set as Set<(event: Map[Name]) => void>) {
      queueMicrotask(() => {
        try {
          listener(event);
        } catch (error) {
          throwInOwnTurn(error);
        }
      });
    }
    return true;
  }

  private check(operation: string, name: unknown, listener: unknown): void {
    if (!this.names.includes(name as keyof Map)) {
      throw wrongType(operation, 'event', name, `one of ${this.names.join(', ')}`);
    }
    checkFunction(operation, 'listener', listener);
  }
}

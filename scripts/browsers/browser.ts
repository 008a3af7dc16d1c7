/** A browser that specs and `npm run check:browsers` drive, each in its own way, behind one interface. */

export interface Browser {
  /** By which commands name it. */
  readonly id: string;
  readonly name: string;
  /** Which pages have a SharedArrayBuffer. */
  readonly sharedMemory: 'isolated' | 'always' | 'never';
  /** Does a page that is driven have private files (`navigator.storage.getDirectory`)? */
  readonly privateFiles: boolean;
  /** What becomes of an engine's handle where a page sends it, where that is not as the standards have it. */
  readonly handlePlaces: Readonly<Record<string, string>>;
  /** @returns what to do to have it on this machine; undefined where it is there */
  missing(): string | undefined;
  /** Starts the browser, with nothing that another run has left. */
  launch(): Promise<OpenPage>;
}

/** The one page of a browser. */
export interface OpenPage {
  /** The browser's. */
  readonly version: string;
  goto(url: string): Promise<void>;
  /** @returns the value of an expression in the page, or what it resolves to, as JSON has it */
  evaluate<T>(expression: string): Promise<T>;
  /** @returns what the page has reported as errors since this was last called: on its console, or uncaught */
  takeErrors(): Promise<string[]>;
  /** In CSS pixels. */
  resize(width: number, height: number): Promise<void>;
  screenshot(file: string): Promise<void>;
  /** Ends the browser, and removes what it has stored. */
  close(): Promise<void>;
}

/** A page in a browser, as far as the specs of the live page need one. */

export interface OpenPage {
  /** What the page has reported as an error since it was opened: on its console, or uncaught. */
  readonly errors: string[];
  goto(url: string): Promise<void>;
  /** @returns the value of an expression in the page, or what it resolves to, as JSON has it */
  evaluate<T>(expression: string): Promise<T>;
  /** In CSS pixels. */
  resize(width: number, height: number): Promise<void>;
  screenshot(file: string): Promise<void>;
  close(): Promise<void>;
}

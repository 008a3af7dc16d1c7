/** A page in Firefox, by WebDriver BiDi, which Firefox speaks itself: no driver is needed. */
import { existsSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { makeTemporaryFolder, removeTemporaryFolder } from '../../../lib/stress/temporary-folder.js';
import { Bidi } from './bidi.js';
import { FirefoxProcess } from './firefox-process.js';
import type { OpenPage } from './open-page.js';

const NAMES = ['firefox-esr', 'firefox'];
/** Nothing is fetched, and nothing is asked. */
const PREFERENCES = {
  'browser.shell.checkDefaultBrowser': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'toolkit.telemetry.enabled': false,
  'app.update.enabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'browser.safebrowsing.malware.enabled': false,
  'browser.safebrowsing.phishing.enabled': false,
};

/** @returns the path in FIREFOX, which must then be right, or that of the first one in the PATH */
export function findFirefox(): string | undefined {
  const { FIREFOX, PATH = '' } = process.env;
  if (FIREFOX !== undefined && FIREFOX !== '') return FIREFOX;
  const inPath = PATH.split(delimiter).flatMap((folder) => NAMES.map((name) => join(folder, name)));
  return inPath.find((path) => existsSync(path));
}

interface Evaluated {
  readonly type: 'success' | 'exception';
  readonly result?: { readonly value?: string };
  readonly exceptionDetails?: { readonly text: string };
}

interface LogEntry {
  readonly level: string;
  readonly text?: string;
}

export class FirefoxPage implements OpenPage {
  readonly errors: string[] = [];
  private readonly process: FirefoxProcess;
  private readonly bidi: Bidi;
  private readonly context: string;
  private readonly profile: string;

  static async open(executable: string): Promise<FirefoxPage> {
    const profile = makeTemporaryFolder('firefox');
    const lines = Object.entries(PREFERENCES).map(([name, value]) => `user_pref("${name}", ${value});\n`);
    writeFileSync(join(profile, 'user.js'), lines.join(''));
    const process = await FirefoxProcess.start(executable, profile);
    const bidi = await Bidi.connect(`${process.url}/session`);
    await bidi.send('session.new', { capabilities: {} });
    await bidi.send('session.subscribe', { events: ['log.entryAdded'] });
    const { contexts } = await bidi.send<{ contexts: { context: string }[] }>('browsingContext.getTree', {});
    const context = contexts[0]?.context;
    if (context === undefined) throw new Error('Firefox has no window');
    return new FirefoxPage(process, bidi, context, profile);
  }

  private constructor(process: FirefoxProcess, bidi: Bidi, context: string, profile: string) {
    this.process = process;
    this.bidi = bidi;
    this.context = context;
    this.profile = profile;
    bidi.onEvent = (method, event) => {
      const { level, text = '' } = event as LogEntry;
      if (method === 'log.entryAdded' && level === 'error') this.errors.push(text);
    };
  }

  async goto(url: string): Promise<void> {
    await this.bidi.send('browsingContext.navigate', { context: this.context, url, wait: 'complete' });
  }

  async evaluate<T>(expression: string): Promise<T> {
    const { type, result, exceptionDetails } = await this.bidi.send<Evaluated>('script.evaluate', {
      expression: `Promise.resolve(${expression}).then((value) => JSON.stringify(value) ?? 'null')`,
      target: { context: this.context },
      awaitPromise: true,
    });
    if (type !== 'success') throw new Error(exceptionDetails?.text);
    return JSON.parse(result?.value ?? 'null');
  }

  async resize(width: number, height: number): Promise<void> {
    await this.bidi.send('browsingContext.setViewport', { context: this.context, viewport: { width, height } });
  }

  async screenshot(file: string): Promise<void> {
    const { context } = this;
    const { data } = await this.bidi.send<{ data: string }>('browsingContext.captureScreenshot', {
      context,
      origin: 'document',
    });
    writeFileSync(file, Buffer.from(data, 'base64'));
  }

  async close(): Promise<void> {
    await this.bidi.send('browser.close', {});
    this.bidi.close();
    await this.process.ended();
    removeTemporaryFolder(this.profile);
  }
}

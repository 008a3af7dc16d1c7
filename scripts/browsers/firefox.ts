/** Firefox, by WebDriver BiDi, which Firefox speaks itself: no driver is needed. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeTemporaryFolder, removeTemporaryFolder } from '../../lib/stress/temporary-folder.js';
import { Bidi } from './bidi.js';
import type { Browser, OpenPage } from './browser.js';
import { findExecutable } from './executable.js';
import { Helper } from './helper.js';

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

const find = () =>
  findExecutable('FIREFOX', ['firefox-esr', 'firefox'], ['/Applications/Firefox.app/Contents/MacOS/firefox']);

interface Session {
  readonly capabilities: { readonly browserVersion: string };
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

class FirefoxPage implements OpenPage {
  readonly version: string;
  private readonly process: Helper;
  private readonly bidi: Bidi;
  private readonly context: string;
  private readonly profile: string;
  private readonly errors: string[] = [];

  static async open(): Promise<FirefoxPage> {
    const executable = find();
    if (executable === undefined) throw new Error('there is no Firefox');
    const profile = makeTemporaryFolder('firefox');
    const lines = Object.entries(PREFERENCES).map(([name, value]) => `user_pref("${name}", ${value});\n`);
    writeFileSync(join(profile, 'user.js'), lines.join(''));
    const process_ = new Helper(
      executable,
      ['--headless', '--no-remote', '--profile', profile, '--remote-debugging-port=0', 'about:blank'],
      { ...process.env, HOME: profile, MOZ_DISABLE_CONTENT_SANDBOX: '1' },
    );
    const url = await process_.says(/WebDriver BiDi listening on (ws:\S+)/);
    const bidi = await Bidi.connect(`${url}/session`);
    const { capabilities } = await bidi.send<Session>('session.new', { capabilities: {} });
    await bidi.send('session.subscribe', { events: ['log.entryAdded'] });
    const { contexts } = await bidi.send<{ contexts: { context: string }[] }>('browsingContext.getTree', {});
    const context = contexts[0]?.context;
    if (context === undefined) throw new Error('Firefox has no window');
    return new FirefoxPage(process_, bidi, context, profile, `Firefox ${capabilities.browserVersion}`);
  }

  private constructor(process_: Helper, bidi: Bidi, context: string, profile: string, version: string) {
    this.process = process_;
    this.bidi = bidi;
    this.context = context;
    this.profile = profile;
    this.version = version;
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

  async takeErrors(): Promise<string[]> {
    return this.errors.splice(0);
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
    await this.process.end();
    removeTemporaryFolder(this.profile);
  }
}

export const firefox: Browser = {
  id: 'firefox',
  name: 'Firefox',
  sharedMemory: 'isolated',
  privateFiles: true,
  handlePlaces: {},
  missing: () =>
    find() === undefined
      ? 'install the package firefox-esr (or Firefox otherwise), or set FIREFOX to the path of one'
      : undefined,
  launch: () => FirefoxPage.open(),
};

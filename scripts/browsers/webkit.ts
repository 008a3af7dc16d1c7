/**
 * WebKitGTK, by its WebDriver, as it comes, and with shared memory, which an option of its JavaScript engine switches on.
 * It has no mode without a window, so it gets a screen of its own.
 */
import { writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { makeTemporaryFolder, removeTemporaryFolder } from '../../lib/stress/temporary-folder.js';
import type { Browser, OpenPage } from './browser.js';
import { findExecutable } from './executable.js';
import { Helper } from './helper.js';
import { WebDriver } from './webdriver.js';

const findDriver = () => findExecutable('WEBKIT_DRIVER', ['WebKitWebDriver']);
const findScreen = () => findExecutable('XVFB', ['Xvfb']);

/** In a container there are neither namespaces for a sandbox nor a GPU. */
const ENVIRONMENT = {
  WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1',
  WEBKIT_DISABLE_COMPOSITING_MODE: '1',
  LIBGL_ALWAYS_SOFTWARE: '1',
};

/** The driver tells of no errors, so the page keeps them. */
const KEEP_ERRORS = `globalThis.errorsOfPage = [];
addEventListener('error', ({ message }) => errorsOfPage.push(message));
addEventListener('unhandledrejection', ({ reason }) => errorsOfPage.push(String(reason)));
const { error } = console;
console.error = (...said) => { errorsOfPage.push(said.join(' ')); error.apply(console, said); };`;

/** Runs arguments[0] in a script element, because a driver's own scripts cannot import modules. */
const EVALUATE = `const [expression, done] = arguments;
globalThis.evaluated = done;
const script = document.createElement('script');
script.textContent = 'Promise.resolve().then(() => (' + expression + ')).then(' +
  '(value) => evaluated({ value: JSON.stringify(value) }), (error) => evaluated({ error: String(error) + error?.stack }))';
document.head.append(script);
script.remove();`;

class WebKitPage implements OpenPage {
  readonly version: string;
  private readonly screen: Helper;
  private readonly process: Helper;
  private readonly driver: WebDriver;
  private readonly home: string;

  /** @param options of the JavaScript engine, as environment variables */
  static async open(options: NodeJS.ProcessEnv): Promise<WebKitPage> {
    const [driverFile, screenFile] = [findDriver(), findScreen()];
    if (driverFile === undefined || screenFile === undefined) throw new Error('there is no WebKitGTK');
    const home = makeTemporaryFolder('webkit');
    const screen = new Helper(screenFile, ['-displayfd', '1', '-screen', '0', '1600x1200x24', '-nolisten', 'tcp']);
    const display = `:${await screen.says(/^(\d+)\n/)}`;
    const port = await freePort();
    const process_ = new Helper(driverFile, [`--port=${port}`], {
      ...process.env,
      ...ENVIRONMENT,
      ...options,
      ...{ HOME: home, XDG_DATA_HOME: `${home}/data`, XDG_CACHE_HOME: `${home}/cache`, DISPLAY: display },
    });
    const url = `http://127.0.0.1:${port}`;
    await process_.until(async () => (await fetch(`${url}/status`).catch(() => undefined))?.ok);
    const driver = await WebDriver.begin(url);
    await driver.post('timeouts', { script: null });
    return new WebKitPage(screen, process_, driver, home);
  }

  private constructor(screen: Helper, process_: Helper, driver: WebDriver, home: string) {
    this.screen = screen;
    this.process = process_;
    this.driver = driver;
    this.home = home;
    this.version = `WebKitGTK ${driver.browserVersion}`;
  }

  async goto(url: string): Promise<void> {
    await this.driver.post('url', { url });
    await this.driver.post('execute/sync', { script: KEEP_ERRORS, args: [] });
  }

  async evaluate<T>(expression: string): Promise<T> {
    const evaluated = { script: EVALUATE, args: [expression] };
    const { value, error } = await this.driver.post<{ value?: string; error?: string }>('execute/async', evaluated);
    if (error !== undefined) throw new Error(error);
    return value === undefined ? (undefined as T) : JSON.parse(value);
  }

  takeErrors(): Promise<string[]> {
    return this.evaluate('errorsOfPage.splice(0)');
  }

  async resize(width: number, height: number): Promise<void> {
    const [wider, higher] = await this.evaluate<[number, number]>(
      '[outerWidth - innerWidth, outerHeight - innerHeight]',
    );
    await this.driver.post('window/rect', { width: width + wider, height: height + higher });
  }

  async screenshot(file: string): Promise<void> {
    writeFileSync(file, Buffer.from(await this.driver.get<string>('screenshot'), 'base64'));
  }

  async close(): Promise<void> {
    await this.driver.end();
    await this.process.end('SIGTERM');
    await this.screen.end('SIGTERM');
    removeTemporaryFolder(this.home);
  }
}

/** The driver takes no port of its own choice. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function missing(): string | undefined {
  if (findDriver() !== undefined && findScreen() !== undefined) return undefined;
  return 'install the packages webkit2gtk-driver and xvfb';
}

export const webkit: Browser = {
  id: 'webkitgtk',
  name: 'WebKitGTK',
  sharedMemory: 'always',
  privateFiles: false,
  handlePlaces: { 'a frame of the same origin': 'DataCloneError', structuredClone: 'DataCloneError' },
  missing,
  launch: () => WebKitPage.open({ JSC_useSharedArrayBuffer: '1' }),
};

export const webkitAsItComes: Browser = {
  ...webkit,
  id: 'webkitgtk-as-it-comes',
  name: 'WebKitGTK as it comes',
  sharedMemory: 'never',
  launch: () => WebKitPage.open({}),
};

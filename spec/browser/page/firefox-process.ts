/** The process of a Firefox without a window, which listens for WebDriver BiDi. */
import { type ChildProcess, spawn } from 'node:child_process';

const KILLED_AFTER_MS = 10_000;

export class FirefoxProcess {
  /** Where it listens. */
  readonly url: string;
  private readonly exit: Promise<unknown>;
  private readonly child: ChildProcess;

  private constructor(child: ChildProcess, exit: Promise<unknown>, url: string) {
    this.child = child;
    this.exit = exit;
    this.url = url;
  }

  /** @throws (rejects) Error with what Firefox has printed, when it ends instead */
  static async start(executable: string, profile: string): Promise<FirefoxProcess> {
    const child = spawn(
      executable,
      ['--headless', '--no-remote', '--profile', profile, '--remote-debugging-port=0', 'about:blank'],
      { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, HOME: profile, MOZ_DISABLE_CONTENT_SANDBOX: '1' } },
    );
    const exit = new Promise((resolve) => child.once('exit', resolve));
    const url = await new Promise<string>((resolve, reject) => {
      let printed = '';
      const hear = (text: Buffer): void => {
        printed += text;
        const [, listening] = /WebDriver BiDi listening on (ws:\S+)/.exec(printed) ?? [];
        if (listening !== undefined) resolve(listening);
      };
      child.stdout.on('data', hear);
      child.stderr.on('data', hear);
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`Firefox has ended with ${code}: ${printed}`)));
    });
    return new FirefoxProcess(child, exit, url);
  }

  /** After it was told to end. */
  async ended(): Promise<void> {
    const kill = setTimeout(() => this.child.kill('SIGKILL'), KILLED_AFTER_MS);
    await this.exit;
    clearTimeout(kill);
  }
}

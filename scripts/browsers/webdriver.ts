/** Commands of WebDriver over HTTP (w3.org/TR/webdriver2), in a session. */

interface Answer {
  readonly value: unknown;
}

interface Session {
  readonly sessionId: string;
  readonly capabilities: { readonly browserVersion: string };
}

export class WebDriver {
  readonly browserVersion: string;
  private readonly session: string;

  private constructor(session: string, browserVersion: string) {
    this.session = session;
    this.browserVersion = browserVersion;
  }

  /** Begins a session, for which the driver starts its browser. @param url the driver's */
  static async begin(url: string): Promise<WebDriver> {
    const { sessionId, capabilities } = await command<Session>('POST', `${url}/session`, { capabilities: {} });
    return new WebDriver(`${url}/session/${sessionId}`, capabilities.browserVersion);
  }

  /** @throws (rejects) Error with the driver's words */
  get<T>(path: string): Promise<T> {
    return command('GET', `${this.session}/${path}`);
  }

  /** @throws (rejects) Error with the driver's words */
  post<T>(path: string, body: object): Promise<T> {
    return command('POST', `${this.session}/${path}`, body);
  }

  /** The browser ends with the session. */
  async end(): Promise<void> {
    await command('DELETE', this.session);
  }
}

async function command<T>(method: string, url: string, body?: object): Promise<T> {
  const response = await fetch(url, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  const { value } = (await response.json()) as Answer;
  if (response.ok) return value as T;
  const { error, message } = value as { error: string; message: string };
  throw new Error(`${error}: ${message}`);
}

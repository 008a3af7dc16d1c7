/**
 * Serves the checkout's lib/ and spec/ to a browser as the modules that they are, each source compiled by itself as all
 * other specs have it: nothing is built, and nothing can be stale.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = fileURLToPath(new URL('../../', import.meta.url));
const { config } = ts.readConfigFile(`${root}tsconfig.json`, ts.sys.readFile);
const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root);
const compilerOptions = { ...options, module: ts.ModuleKind.ESNext, inlineSourceMap: true };

/** What makes a page cross-origin isolated, and its workers with it. */
const ISOLATION = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };

/** An empty page, whose icon no browser asks for. */
const PAGE = '<!doctype html><link rel="icon" href="data:,"><title>dirtymem</title>';

export class SourceServer {
  readonly url: string;
  private readonly server: Server;

  private constructor(server: Server) {
    this.server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  }

  /** @param modules what is served besides, by path */
  static async start(isolated: boolean, modules: ReadonlyMap<string, string> = new Map()): Promise<SourceServer> {
    const headers = isolated ? ISOLATION : {};
    const server = createServer(({ url = '/' }, response) => {
      const { pathname } = new URL(url, 'http://127.0.0.1');
      const source = /^\/(?:lib|spec|scripts\/browsers)\/[\w/.-]+\.js$/.test(pathname)
        ? compiled(pathname)
        : modules.get(pathname);
      if (pathname === '/') response.writeHead(200, { ...headers, 'Content-Type': 'text/html' }).end(PAGE);
      else if (source === undefined) response.writeHead(404).end();
      else response.writeHead(200, { ...headers, 'Content-Type': 'text/javascript' }).end(source);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new SourceServer(server);
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

/** Every worker asks for much the same. */
const done = new Map<string, string>();

function compiled(pathname: string): string | undefined {
  const file = `${root}${pathname.slice(1).replace(/\.js$/, '.ts')}`;
  if (!done.has(file) && existsSync(file)) {
    const source = readFileSync(file, 'utf8');
    done.set(file, ts.transpileModule(source, { compilerOptions, fileName: file }).outputText);
  }
  return done.get(file);
}

/** The server of the page: vite, which compiles each source when the browser asks for it. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createServer, type Plugin, type ViteDevServer } from 'vite';
import { buildHart } from '../build-hart.js';
import { HART_CHANGES } from './what-if/hart-changes.js';

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
const REPOSITORY = path('../../');

/** What makes a page cross-origin isolated, and its workers with it. */
const ISOLATION = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };

export interface PageServerOptions {
  /** 0: any. */
  readonly port: number;
  readonly isolated: boolean;
}

export class PageServer {
  readonly url: string;
  private readonly server: ViteDevServer;

  private constructor(server: ViteDevServer, url: string) {
    this.server = server;
    this.url = url;
  }

  static async start({ port, isolated }: PageServerOptions): Promise<PageServer> {
    const server = await createServer({
      configFile: false,
      root: path('./'),
      cacheDir: `${REPOSITORY}node_modules/.cache/dirtymem/vite`,
      appType: 'mpa',
      logLevel: 'warn',
      clearScreen: false,
      resolve: { alias: doors() },
      // Found before the first page is served, so that no page is loaded again because of it.
      optimizeDeps: { include: ['chart.js'], entries: [] },
      plugins: [changedHarts()],
      server: {
        host: '127.0.0.1',
        port,
        headers: isolated ? ISOLATION : {},
        fs: { allow: [REPOSITORY] },
        hmr: false,
      },
    });
    await server.listen();
    const url = server.resolvedUrls?.local[0];
    if (url === undefined) throw new Error('vite has not said where it listens');
    return new PageServer(server, url);
  }

  async stop(): Promise<void> {
    await this.server.close();
  }
}

/** The package's doors by their names lead to the sources. */
function doors(): { find: RegExp; replacement: string }[] {
  const { exports } = JSON.parse(readFileSync(`${REPOSITORY}package.json`, 'utf8')) as {
    exports: Record<string, { default?: string }>;
  };
  return Object.entries(exports).flatMap(([door, { default: built }]) =>
    built === undefined
      ? []
      : [
          {
            find: new RegExp(`^dirtymem${door.slice(1)}$`),
            replacement: REPOSITORY + built.replace('./dist/', '').replace(/\.js$/, '.ts'),
          },
        ],
  );
}

/** Compiles harts with a change, which a browser cannot. */
function changedHarts(): Plugin {
  return {
    name: 'changed-harts',
    configureServer({ middlewares }) {
      for (const [name, change] of Object.entries(HART_CHANGES)) {
        middlewares.use(`/harts/${name}.wasm`, (_, response, next) => {
          buildHart('write-tlb', change).then(
            (module) => response.setHeader('Content-Type', 'application/wasm').end(module),
            (error) => next(error),
          );
        });
      }
    },
  };
}

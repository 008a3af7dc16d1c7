/** Connected sockets on this machine. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** Two ends of one connection. */
export interface SocketPair {
  readonly source: Socket;
  readonly destination: Socket;
}

export async function connectedSockets(): Promise<SocketPair> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection');
  const source = connect((server.address() as AddressInfo).port, '127.0.0.1');
  source.on('error', () => {}); // also when no migration has it yet
  await once(source, 'connect');
  const [destination] = (await accepted) as [Socket];
  destination.on('error', () => {});
  for (const socket of [source, destination]) socket.setNoDelay(true);
  server.close();
  return { source, destination };
}

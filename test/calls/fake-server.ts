import { createServer, type Server, type Socket } from 'node:net';
import type { AriChannel, AriOptions, ConnectAri } from '../../src/asterisk/ari/port.ts';
import type { SwitchAddress } from '../../src/asterisk/session.ts';

const UNHEARD_ms = 100;

/** A manager interface that says yes to everything and has no journal. */
function answerActions(socket: Socket): void {
  let text = '';
  socket.on('error', () => {});
  socket.write('Asterisk Call Manager/9.0.0\r\n');
  socket.on('data', (data) => {
    text += data.toString();
    const actions = text.split('\r\n\r\n');
    text = actions.pop() ?? '';
    for (const action of actions) {
      const id = /^actionid: *(.*)$/im.exec(action)?.[1] ?? '';
      const response = /^action: *DBGetTree/im.test(action) ? 'Error' : 'Success';
      const timestamp = (Date.now() / 1000).toFixed(6);
      socket.write(`Response: ${response}\r\nTimestamp: ${timestamp}\r\nActionID: ${id}\r\n\r\n`);
    }
  });
}

/** A server whose ARI has one client, the last that came, as Asterisk has it. */
export interface FakeServer {
  readonly address: SwitchAddress;
  readonly connectAri: ConnectAri;
  /** How many clients it has had. */
  clients(): number;
  channels: AriChannel[];
  readonly hungUp: string[];
  /** To its client of now. */
  tell(event: unknown): void;
  close(): void;
}

export async function startFakeServer(server_id: string): Promise<FakeServer> {
  const ami: Server = createServer(answerActions);
  await new Promise<void>((resolve) => ami.listen(0, '127.0.0.1', resolve));
  const { port } = ami.address() as { port: number };
  let client: AriOptions | null = null;
  let clients = 0;
  const hungUp: string[] = [];
  const fake: FakeServer = {
    address: {
      server_id,
      name: server_id,
      ari_url: `http://${server_id}`,
      ami_host: '127.0.0.1',
      ami_port: port,
      user: 'pabx',
      ari_password: 'secret',
      ami_password: 'secret',
    },
    channels: [],
    hungUp,
    clients: () => clients,
    async connectAri(options) {
      // Nobody tells a client that it was replaced; it misses its echo.
      const before = client;
      if (before) setTimeout(() => before.onLost(new Error('replaced')), UNHEARD_ms);
      client = options;
      clients += 1;
      return {
        channels: async () => fake.channels,
        startedAt: async () => 0,
        continueAt: async () => true,
        hangUp: async (id) => hungUp.push(id) > 0,
        whisper: async () => true,
        isListening: async () => client === options,
        close() {
          if (client === options) client = null;
        },
      };
    },
    tell: (event) => client?.onEvent(event),
    close: () => ami.close(),
  };
  return fake;
}

import { readFileSync, statSync } from 'node:fs';
import { ensureDebianPackages } from '../services/apt.ts';
import { findProgram } from '../services/command.ts';
import { startProcess, waitUntil } from '../services/process.ts';

/** A datagram as the kernel carried it: neither end's own clock or timer has a part in its time. */
export interface Packet {
  /** Milliseconds since 1970, with fractions. */
  readonly at_ms: number;
  readonly from_port: number;
  readonly payload: string;
}

export interface Capture {
  stop(): Promise<Packet[]>;
}

async function ensureTcpdump(): Promise<string> {
  const found = await findProgram('tcpdump');
  if (found !== null) return found;
  await ensureDebianPackages(['tcpdump'], 'tcpdump');
  return 'tcpdump';
}

const SETTLED_ms = 500;

/** tcpdump may be behind by as much as a busy machine lets it. */
async function stoppedGrowing(file: string): Promise<void> {
  let [size, since_ms] = [-1, performance.now()];
  const settled = () => {
    const now = statSync(file).size;
    if (now !== size) [size, since_ms] = [now, performance.now()];
    return performance.now() - since_ms > SETTLED_ms;
  };
  await waitUntil(settled, { timeout_ms: 30_000, what: 'the last packet', interval_ms: 50 });
}

/** Writes down what goes over loopback from or to this UDP port until it is stopped. Needs root. */
export async function startCapture(file: string, port: number): Promise<Capture> {
  const logFile = `${file}.log`;
  const process = startProcess({
    name: 'tcpdump',
    command: await ensureTcpdump(),
    // As root, because it is root's folder; each packet at once, because what is buffered at the end is lost.
    args: [
      '-i',
      'lo',
      '-n',
      '-U',
      '--immediate-mode',
      '-Z',
      'root',
      '-B',
      '16384',
      '-w',
      file,
      `udp port ${port}`,
    ],
    logFile,
    stopSignal: 'SIGINT',
  });
  const said = () => readFileSync(logFile, 'latin1');
  await waitUntil(() => /listening on/.test(said()) || !process.running(), {
    timeout_ms: 10_000,
    what: 'tcpdump to listen',
  });
  return {
    async stop() {
      await stoppedGrowing(file);
      await process.stop();
      const dropped = Number(/(\d+) packets dropped by kernel/.exec(said())?.[1] ?? Number.NaN);
      if (dropped !== 0) throw new Error(`the capture is not whole: ${said().trim()}`);
      return readPackets(readFileSync(file));
    },
  };
}

const FILE_HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 16;
const ETHERNET_BYTES = 14;
const UDP_BYTES = 8;
const MICROSECONDS = 0xa1b2c3d4;
const ETHERNET = 1;

/** Reads a file of libpcap's classic format, of IPv4 datagrams over loopback, on a little-endian machine. */
export function readPackets(file: Buffer): Packet[] {
  if (file.readUInt32LE(0) !== MICROSECONDS || file.readUInt32LE(20) !== ETHERNET)
    throw new Error('the capture is of another format');
  const packets: Packet[] = [];
  for (let at = FILE_HEADER_BYTES; at + RECORD_HEADER_BYTES <= file.length; ) {
    const [seconds, micros, length] = [0, 4, 8].map((offset) => file.readUInt32LE(at + offset)) as [
      number,
      number,
      number,
    ];
    const ip = at + RECORD_HEADER_BYTES + ETHERNET_BYTES;
    const udp = ip + ((file[ip] ?? 0) & 0x0f) * 4;
    const end = at + RECORD_HEADER_BYTES + length;
    packets.push({
      at_ms: seconds * 1_000 + micros / 1_000,
      from_port: file.readUInt16BE(udp),
      payload: file.toString('latin1', udp + UDP_BYTES, end),
    });
    at = end;
  }
  return packets;
}

import { createSocket } from 'node:dgram';

/*
 * The audio end of a phone: takes RTP (RFC 3550) with G.711 µ-law in it, and speaks a steady tone of its own, so that
 * a test hears who hears what.
 */

const RATE_hz = 8_000;
const FRAME_ms = 20;
const FRAME_samples = (RATE_hz * FRAME_ms) / 1000;
const HEADER_bytes = 12;

export interface Ear {
  readonly port: number;
  /** Speaks from now on to this port of the same machine; without being told, to whoever spoke last. */
  speakTo(port: number): void;
  /** When a tone was heard: stretches with it, by this machine's clock. Shorter pauses than 60 ms do not end one. */
  heard(hz: number): Stretch[];
  close(): void;
}

export interface Stretch {
  readonly from_ms: number;
  readonly to_ms: number;
}

interface Frame {
  readonly at_ms: number;
  readonly samples: Float64Array;
}

/** G.711: sign, three bits of exponent, four of mantissa, all of them inverted. Gives -1 … 1. */
function fromMuLaw(byte: number): number {
  const bits = ~byte & 0xff;
  const magnitude = ((((bits & 0x0f) << 3) + 0x84) << ((bits >> 4) & 0x07)) - 0x84;
  return (bits & 0x80 ? -magnitude : magnitude) / 32_768;
}

function toMuLaw(sample: number): number {
  const magnitude = Math.min(32_635, Math.round(Math.abs(sample) * 32_768)) + 0x84;
  const exponent = Math.max(0, 31 - Math.clz32(magnitude) - 7);
  const mantissa = (magnitude >> (exponent + 3)) & 0x0f;
  return ~((sample < 0 ? 0x80 : 0) | (exponent << 4) | mantissa) & 0xff;
}

/** Amplitude of one frequency among samples, by Goertzel: 1 is a full-scale sine. */
function amplitude(samples: Float64Array, hz: number): number {
  const coefficient = 2 * Math.cos((2 * Math.PI * hz) / RATE_hz);
  let [last, before] = [0, 0];
  for (const sample of samples) [last, before] = [sample + coefficient * last - before, last];
  const power = last * last + before * before - coefficient * last * before;
  return (2 * Math.sqrt(Math.max(0, power))) / samples.length;
}

/** Some way above what a steady voice spills into other frequencies, and below any tone that a switch plays. */
const AUDIBLE = 0.03;
const PAUSE_ms = 60;

function stretches(times: readonly number[]): Stretch[] {
  const found: { from_ms: number; to_ms: number }[] = [];
  for (const at_ms of times) {
    const last = found.at(-1);
    if (last && at_ms - last.to_ms < PAUSE_ms) last.to_ms = at_ms + FRAME_ms;
    else found.push({ from_ms: at_ms, to_ms: at_ms + FRAME_ms });
  }
  return found;
}

/** When a frame is heard: by the stream's own time, so that a busy machine makes no pause where there is none. */
function streamClock() {
  let [stream, began_at_ms, first] = [-1, 0, 0];
  return (packet: Buffer): number => {
    const timestamp = packet.readUInt32BE(4);
    if (packet.readUInt32BE(8) !== stream)
      [stream, began_at_ms, first] = [packet.readUInt32BE(8), Date.now(), timestamp];
    return began_at_ms + (((timestamp - first) >>> 0) * 1000) / RATE_hz;
  };
}

/** Frames of a steady tone, packed one after the other. */
function speech(hz: number) {
  let sequence = 0;
  return () => {
    const packet = Buffer.alloc(HEADER_bytes + FRAME_samples);
    packet[0] = 0x80;
    packet.writeUInt16BE(sequence & 0xffff, 2);
    packet.writeUInt32BE((sequence * FRAME_samples) >>> 0, 4);
    packet.writeUInt32BE(hz, 8);
    for (let index = 0; index < FRAME_samples; index++) {
      const phase = (2 * Math.PI * hz * (sequence * FRAME_samples + index)) / RATE_hz;
      packet[HEADER_bytes + index] = toMuLaw(0.2 * Math.sin(phase));
    }
    sequence += 1;
    return packet;
  };
}

/** Listens on a port of its own. Speaks at a multiple of 50 Hz, so that a frame holds whole waves. */
export async function openEar(speaks_hz: number, own_port = 0): Promise<Ear> {
  const socket = createSocket('udp4');
  const frames: Frame[] = [];
  const clock = streamClock();
  let told: number | null = null;
  let target: number | null = null;
  socket.on('message', (packet, { port }) => {
    target = told ?? port;
    if (packet.length !== HEADER_bytes + FRAME_samples) return;
    const samples = Float64Array.from(packet.subarray(HEADER_bytes), fromMuLaw);
    frames.push({ at_ms: clock(packet), samples });
  });
  await new Promise<void>((resolve) => socket.bind(own_port, '127.0.0.1', resolve));
  const next = speech(speaks_hz);
  const speaking = setInterval(() => {
    if (target !== null) socket.send(next(), target, '127.0.0.1');
  }, FRAME_ms);
  return {
    port: socket.address().port,
    speakTo(port) {
      told = target = port;
    },
    heard: (hz) =>
      stretches(frames.filter(({ samples }) => amplitude(samples, hz) > AUDIBLE).map(({ at_ms }) => at_ms)),
    close() {
      clearInterval(speaking);
      socket.close();
    },
  };
}

/** Builds batman-adv frames as linux/batadv_packet.h describes them, and runs of them for senders. */

export const broadcastAddress = "ff:ff:ff:ff:ff:ff";

export function mac(address: string): Buffer {
  return Buffer.from(address.replaceAll(":", ""), "hex");
}

export interface FrameOptions {
  readonly destination?: string;
  readonly etherType?: number;
  readonly version?: number;
}

/** Ethernet's minimum without checksum: hardware pads shorter frames with zeros. */
const minimumBytes = 60;

export function frame(
  source: string,
  payload: Buffer,
  { destination = broadcastAddress, etherType = 0x4305 }: FrameOptions = {},
): Buffer {
  const type = Buffer.from([etherType >> 8, etherType & 0xff]);
  const bytes = Buffer.concat([mac(destination), mac(source), type, payload]);
  return bytes.length >= minimumBytes
    ? bytes
    : Buffer.concat([bytes, Buffer.alloc(minimumBytes - bytes.length)]);
}

export function elp(originator: string, number: number, intervalMs = 500): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.set([0x03, 15]);
  mac(originator).copy(bytes, 2);
  bytes.writeUInt32BE(number >>> 0, 8);
  bytes.writeUInt32BE(intervalMs, 12);
  return bytes;
}

export interface OgmOptions {
  readonly tq?: number;
  readonly flags?: number;
  readonly tvlvBytes?: number;
}

export function ivOgm(
  originator: string,
  number: number,
  { tq = 255, flags = 0, tvlvBytes = 0 }: OgmOptions = {},
): Buffer {
  const bytes = Buffer.alloc(24 + tvlvBytes, 0xaa);
  bytes.fill(0, 0, 24);
  bytes.set([0x00, 15, 50, flags]);
  bytes.writeUInt32BE(number >>> 0, 4);
  mac(originator).copy(bytes, 8);
  bytes[21] = tq;
  bytes.writeUInt16BE(tvlvBytes, 22);
  return bytes;
}

export function ogm2(
  originator: string,
  number: number,
  { throughput = 1000, tvlvBytes = 0 } = {},
): Buffer {
  const bytes = Buffer.alloc(20 + tvlvBytes, 0xaa);
  bytes.fill(0, 0, 20);
  bytes.set([0x04, 15, 50, 0]);
  bytes.writeUInt32BE(number >>> 0, 4);
  mac(originator).copy(bytes, 8);
  bytes.writeUInt16BE(tvlvBytes, 14);
  bytes.writeUInt32BE(throughput, 16);
  return bytes;
}

export function broadcast(originator: string, number: number): Buffer {
  const bytes = Buffer.alloc(14 + 50);
  bytes.set([0x01, 15, 50, 0]);
  bytes.writeUInt32BE(number >>> 0, 4);
  mac(originator).copy(bytes, 8);
  return bytes;
}

export function unicast(destination: string): Buffer {
  const bytes = Buffer.alloc(10 + 60);
  bytes.set([0x40, 15, 50, 1]);
  mac(destination).copy(bytes, 4);
  return bytes;
}

/** Each frame with its length before it, as `testRun` and test/native/inject.c read them. */
export function runOf(frames: readonly Buffer[]): Buffer {
  return Buffer.concat(
    frames.flatMap((bytes) => {
      const length = Buffer.alloc(4);
      if (new Uint8Array(new Uint16Array([1]).buffer)[0] === 1) length.writeUInt32LE(bytes.length);
      else length.writeUInt32BE(bytes.length);
      return [length, bytes];
    }),
  );
}

/** A neighbour whose numbering begins anew all the time: two frames for an event, but the first two. */
export function restarts(from: string, events: number): Buffer[] {
  return Array.from({ length: events + 1 }, (_, i) => [
    frame(from, elp(from, i * 10_000 + 1)),
    frame(from, elp(from, i * 10_000 + 2)),
  ]).flat();
}

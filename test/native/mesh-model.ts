/**
 * What mesh.bpf.c should count, written a second time from the frame formats and from what "lost"
 * means: a span of numbers less those received. It shares no code with the program, for the fuzzer.
 */

import type { FrameVerdict, Protocol, Trouble } from "../../src/ebpf/mesh-abi.ts";

const window = 64;
const maxGap = 4096;
const resumeSlack = 16;

/** A stretch of numbers without a restart, as offsets from its first one. */
interface Epoch {
  lowest: number;
  highest: number;
  readonly received: Set<number>;
}

export class ModelStream {
  messages = 0;
  duplicates = 0;
  reordered = 0;
  strays = 0;
  restarts = 0;
  #origin = 0;
  #lostBefore = 0;
  #epoch: Epoch | null = null;
  #stray: number | null = null;

  get lost(): number {
    return this.#lostBefore + this.#lostNow();
  }

  get highest(): number {
    return (this.#origin + (this.#epoch?.highest ?? 0)) >>> 0;
  }

  #lostNow(): number {
    if (this.#epoch === null) return 0;
    return this.#epoch.highest - this.#epoch.lowest + 1 - this.#epoch.received.size;
  }

  count(number: number): void {
    this.messages++;
    if (this.#epoch === null) {
      this.#begin(number);
      return;
    }
    const { received, lowest, highest } = this.#epoch;
    // Signed distance on the circle of 2^32.
    const step = (number - this.highest) | 0;
    const at = highest + step;
    if (step > 0 && step <= maxGap) {
      this.#epoch.highest = at;
      received.add(at);
      this.#stray = null;
    } else if (step <= 0 && step > -window) {
      if (received.has(at)) this.duplicates++;
      else {
        this.reordered++;
        received.add(at);
        // Only a young epoch can turn out to have begun earlier.
        if (at < lowest) this.#epoch.lowest = at;
      }
    } else {
      this.#farAway(number);
    }
  }

  #begin(number: number): void {
    this.#origin = number;
    this.#epoch = { lowest: 0, highest: 0, received: new Set([0]) };
    this.#stray = null;
  }

  #farAway(number: number): void {
    const beyond = this.#stray === null ? -1 : (number - this.#stray) >>> 0;
    if (this.#stray !== null && beyond >= 1 && beyond <= resumeSlack) {
      this.#lostBefore += this.#lostNow();
      this.#begin(this.#stray);
      this.#epoch = { lowest: 0, highest: beyond, received: new Set([0, beyond]) };
      this.strays--;
      this.restarts++;
      return;
    }
    this.#stray = number;
    this.strays++;
  }
}

const protocolOfType: Readonly<Record<number, Protocol>> = {
  0: "iv-ogm",
  1: "broadcast",
  2: "coded",
  3: "elp",
  4: "ogm2",
  5: "multicast",
  64: "unicast",
  65: "unicast-fragment",
  66: "unicast-4addr",
  67: "icmp",
  68: "unicast-tvlv",
};

/** linux/batadv_packet.h; ICMP's common part; of the unknown only type and version. */
const headerBytes: Readonly<Partial<Record<Protocol, number>>> = {
  unicast: 10,
  "unicast-fragment": 20,
  "unicast-4addr": 18,
  icmp: 20,
  "unicast-tvlv": 20,
  coded: 46,
};

interface Limits {
  readonly neighbours: number;
  readonly paths: number;
}

function tally<Name extends string>(): Partial<Record<Name, number>> {
  return {};
}

function add<Name extends string>(to: Partial<Record<Name, number>>, name: Name, by = 1): void {
  to[name] = (to[name] ?? 0) + by;
}

export class MeshModel {
  readonly frames = tally<Protocol>();
  readonly bytes = tally<Protocol>();
  readonly verdicts = tally<FrameVerdict>();
  readonly troubles = tally<Trouble>();
  /** `address/stream`. */
  readonly direct = new Map<string, ModelStream>();
  /** `neighbour/originator/protocol`. */
  readonly paths = new Map<string, ModelStream>();
  readonly neighbours = new Map<string, number>();
  ogms = 0;
  readonly #own: string;
  readonly #limits: Limits;

  constructor(ownAddress: string, limits: Limits) {
    this.#own = ownAddress;
    this.#limits = limits;
  }

  see(frame: Buffer): void {
    const isMesh = frame.readUInt16BE(12) === 0x4305;
    const type = frame[14];
    const protocol: Protocol = !isMesh
      ? "foreign"
      : type === undefined
        ? "unknown"
        : (protocolOfType[type] ?? "unknown");
    add(this.frames, protocol);
    add(this.bytes, protocol, frame.length);
    add(this.verdicts, isMesh ? this.#read(frame, protocol) : "pass-foreign");
  }

  #read(frame: Buffer, protocol: Protocol): FrameVerdict {
    if (frame.length < 16) return "pass-truncated";
    if (frame[15] !== 15) return "pass-bad-version";
    const from = address(frame, 6);
    if (((frame[6] ?? 0) & 1) === 1 || from === "00:00:00:00:00:00") return "pass-bad-source";
    if (frame.length < 14 + (headerBytes[protocol] ?? 2)) return "pass-truncated";
    switch (protocol) {
      case "iv-ogm":
        return this.#aggregate(frame, from, protocol, 24);
      case "ogm2":
        return this.#aggregate(frame, from, protocol, 20);
      case "elp":
        if (frame.length < 30) return "pass-truncated";
        return this.#hear(from, ((frame[0] ?? 0) & 1) === 1 ? "elp" : null, frame.readUInt32BE(22));
      case "broadcast": {
        if (frame.length < 28) return "pass-truncated";
        const verdict = this.#hear(from, null, 0);
        if (verdict === "pass-tracked") {
          this.#path(from, address(frame, 22), protocol, frame.readUInt32BE(18));
        }
        return verdict;
      }
      default:
        return this.#hear(from, null, 0);
    }
  }

  #aggregate(
    frame: Buffer,
    from: string,
    protocol: "iv-ogm" | "ogm2",
    bytes: number,
  ): FrameVerdict {
    let verdict: FrameVerdict = "pass-tracked";
    let offset = 14;
    for (let i = 0; i < 32; i++) {
      const same = frame[offset] === frame[14] && frame[offset + 1] === 15;
      if (!same || offset + 2 > frame.length) return verdict;
      if (offset + bytes > frame.length) return "pass-truncated";
      const next = offset + bytes + frame.readUInt16BE(offset + (protocol === "iv-ogm" ? 22 : 14));
      if (next > frame.length) return "pass-truncated";
      this.ogms++;
      const originator = address(frame, offset + 8);
      const number = frame.readUInt32BE(offset + 4);
      const echoed = protocol === "iv-ogm" && ((frame[offset + 3] ?? 0) & 4) !== 0;
      const stream =
        originator === from ? protocol : echoed && originator === this.#own ? "iv-echo" : null;
      const heard = this.#hear(from, stream, number, i === 0);
      if (heard !== "pass-tracked") verdict = heard;
      else if (stream === null) this.#path(from, originator, protocol, number);
      if (next > 0x7ff) return verdict;
      offset = next;
    }
    add(this.troubles, "aggregate-too-long");
    return verdict;
  }

  #hear(from: string, stream: string | null, number: number, newFrame = true): FrameVerdict {
    const known = this.neighbours.get(from);
    if (known === undefined && this.neighbours.size >= this.#limits.neighbours) {
      return "pass-untracked";
    }
    this.neighbours.set(from, (known ?? 0) + (newFrame ? 1 : 0));
    if (stream !== null) streamIn(this.direct, `${from}/${stream}`).count(number);
    return "pass-tracked";
  }

  #path(from: string, originator: string, protocol: Protocol, number: number): void {
    const key = `${from}/${originator}/${protocol}`;
    if (!this.paths.has(key) && this.paths.size >= this.#limits.paths) {
      add(this.troubles, "path-table-full");
      return;
    }
    streamIn(this.paths, key).count(number);
  }
}

function streamIn(streams: Map<string, ModelStream>, key: string): ModelStream {
  const known = streams.get(key) ?? new ModelStream();
  streams.set(key, known);
  return known;
}

function address(frame: Buffer, at: number): string {
  return frame.toString("hex", at, at + 6).replaceAll(/(..)(?!$)/g, "$1:");
}

/**
 * gRPC's length-prefixed messages: a byte that says whether it is compressed, four of length, then
 * the message. They pay no heed to the borders of HTTP/2's DATA frames, so that one chunk may hold
 * many messages, and one message many chunks.
 */

import { type GrpcFailure, grpcFailure } from "./grpc-status.ts";

const prefixBytes = 5;
const empty = Buffer.alloc(0);

/** A message with its prefix, ready to be sent. */
export function framed(message: Uint8Array): Uint8Array {
  const frame = Buffer.allocUnsafe(prefixBytes + message.length);
  frame[0] = 0;
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, prefixBytes);
  return frame;
}

/**
 * Puts messages together. What was announced is held only as it arrives: a length of 4 GiB costs
 * the sender its stream, and us nothing.
 */
export class MessageAssembler {
  readonly #maxBytes: number;
  #held = empty;
  #heldBytes = 0;
  /** What must be there before anything can be taken: the prefix, then the whole message. */
  #wantedBytes = prefixBytes;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Whether a message has begun that is not whole. */
  get isMidway(): boolean {
    return this.#heldBytes > 0;
  }

  /** Hands out each message that `chunk` completes; a failure ends the stream. */
  push(chunk: Buffer, take: (message: Buffer) => void): GrpcFailure | null {
    if (this.#heldBytes > 0) {
      if (this.#heldBytes + chunk.length < this.#wantedBytes) {
        this.#hold(chunk);
        return null;
      }
      chunk = Buffer.concat([this.#held.subarray(0, this.#heldBytes), chunk]);
      this.#held = empty;
      this.#heldBytes = 0;
    }
    let offset = 0;
    this.#wantedBytes = prefixBytes;
    while (chunk.length - offset >= prefixBytes) {
      const length = uint32(chunk, offset + 1);
      const refusal = this.#refusal(chunk[offset] ?? 0, length);
      if (refusal !== null) return refusal;
      const end = offset + prefixBytes + length;
      if (end > chunk.length) {
        this.#wantedBytes = end - offset;
        break;
      }
      take(length === 0 ? empty : chunk.subarray(offset + prefixBytes, end));
      offset = end;
    }
    if (offset < chunk.length) this.#hold(chunk.subarray(offset));
    return null;
  }

  /** Copied into one buffer that doubles: a sender of single bytes costs us no list of them. */
  #hold(bytes: Buffer): void {
    const total = this.#heldBytes + bytes.length;
    if (total > this.#held.length) {
      const larger = Buffer.allocUnsafe(Math.max(total, Math.min(this.#wantedBytes, 2 * total)));
      this.#held.copy(larger, 0, 0, this.#heldBytes);
      this.#held = larger;
    }
    this.#held.set(bytes, this.#heldBytes);
    this.#heldBytes = total;
  }

  #refusal(compressed: number, length: number): GrpcFailure | null {
    if (compressed > 1) {
      return grpcFailure("internal", `grpc: received unexpected payload format ${compressed}`);
    }
    if (compressed === 1) {
      return grpcFailure("unimplemented", "grpc: compressed messages are not supported");
    }
    if (length > this.#maxBytes) {
      return grpcFailure(
        "resourceExhausted",
        `grpc: received message larger than max (${length} vs. ${this.#maxBytes})`,
      );
    }
    return null;
  }
}

function uint32(bytes: Uint8Array, offset: number): number {
  return (
    (bytes[offset] ?? 0) * 0x1000000 +
    (((bytes[offset + 1] ?? 0) << 16) | ((bytes[offset + 2] ?? 0) << 8) | (bytes[offset + 3] ?? 0))
  );
}

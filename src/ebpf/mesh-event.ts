/** The events of mesh.bpf.c, out of the batches in which the addon delivers a ring buffer. */

import { macAt, uint32, uint64, viewOf } from "./decode.ts";
import {
  type DirectStream,
  directStreams,
  eventKinds,
  eventLayout,
  type MeshEventKind,
} from "./mesh-abi.ts";

export interface MeshEvent {
  readonly kind: MeshEventKind;
  /** CLOCK_MONOTONIC. */
  readonly atNs: number;
  readonly ifindex: number;
  readonly neighbour: string;
  /** Of bursts and restarts; of the others it says nothing. */
  readonly stream: DirectStream;
  /**
   * `silent`, `returned`: milliseconds of silence. Bursts: messages lost in the window.
   * `restarted`: the new sequence number. `new-neighbour`: 0.
   */
  readonly value: number;
}

export interface EventBatch {
  readonly events: readonly MeshEvent[];
  /** Records of an unknown kind or size: the program and this code are of different versions. */
  readonly unreadable: number;
}

/** A run of u32 length, four bytes, the record, padding to 8. */
export function decodeEvents(batch: Uint8Array): EventBatch {
  const events: MeshEvent[] = [];
  let unreadable = 0;
  for (let at = 0; at + 8 <= batch.byteLength; ) {
    const length = uint32(viewOf(batch, at, 4), 0);
    const event =
      length === eventLayout.bytes && at + 8 + length <= batch.byteLength
        ? decodeEvent(viewOf(batch, at + 8, length))
        : null;
    if (event === null) unreadable++;
    else events.push(event);
    at += 8 + Math.ceil(length / 8) * 8;
  }
  return { events, unreadable };
}

function decodeEvent(view: DataView): MeshEvent | null {
  const kind = eventKinds[uint32(view, eventLayout.kind) - 1];
  const stream = directStreams[view.getUint8(eventLayout.stream)];
  if (kind === undefined || stream === undefined) return null;
  return {
    kind,
    atNs: uint64(view, eventLayout.atNs),
    ifindex: uint32(view, eventLayout.ifindex),
    neighbour: macAt(view, eventLayout.neighbour),
    stream,
    value: uint32(view, eventLayout.value),
  };
}

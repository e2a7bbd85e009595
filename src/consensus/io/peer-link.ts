/**
 * This node's way to one peer: two lanes, so that a snapshot never holds up a heartbeat. Knows
 * which message takes which.
 */

import type { Fault } from "../../base/index.ts";
import type { Member } from "../membership.ts";
import type { Message } from "../message.ts";
import type { LaneName } from "./peer-handshake.ts";
import { type LaneCounters, type LaneState, PeerLane, type PeerLaneParts } from "./peer-lane.ts";
import type { PeerTransportOptions } from "./peer-transport-options.ts";

/** The state of the worse lane. */
export interface PeerLinkStatus extends LaneCounters {
  readonly peer: Member;
  readonly state: LaneState["kind"];
  /** Why it is not up, when that is known. */
  readonly fault: Fault | null;
}

type PeerLinkParts = Omit<PeerLaneParts, "onState">;

const severity = { up: 0, connecting: 1, down: 2, refused: 3 } as const;

/** Appends of every size share a lane: one that overtook another would be rejected. */
const laneFor = ({ kind }: Message): LaneName =>
  kind === "append" || kind === "snapshot-chunk" ? "bulk" : "prompt";

export class PeerLink {
  readonly peer: Member;
  readonly #parts: PeerLinkParts;
  readonly #lanes: Readonly<Record<LaneName, PeerLane>>;
  readonly #over = new AbortController();
  readonly #ended: Promise<unknown>;
  #reported = "";

  constructor(parts: PeerLinkParts, peer: Member, options: PeerTransportOptions) {
    this.peer = peer;
    this.#parts = parts;
    const onState = () => this.#report();
    const lane = (name: LaneName) => {
      const target = { peer: peer.id, address: peer.address, lane: name };
      return new PeerLane({ ...parts, onState }, target, options);
    };
    this.#lanes = { prompt: lane("prompt"), bulk: lane("bulk") };
    const { prompt, bulk } = this.#lanes;
    this.#ended = Promise.all([prompt.run(this.#over.signal), bulk.run(this.#over.signal)]);
  }

  offer(message: Message): void {
    this.#lanes[laneFor(message)].offer(message);
  }

  flush(): void {
    this.#lanes.prompt.flush();
    this.#lanes.bulk.flush();
  }

  async close(): Promise<void> {
    this.#over.abort();
    await this.#ended;
  }

  status(): PeerLinkStatus {
    const { prompt, bulk } = this.#lanes;
    const [one, other] = [prompt.counters(), bulk.counters()];
    const state = this.#state();
    return {
      peer: this.peer,
      state: state.kind,
      fault: prompt.lastFault ?? bulk.lastFault,
      sentMessages: one.sentMessages + other.sentMessages,
      sentFrames: one.sentFrames + other.sentFrames,
      sentBytes: one.sentBytes + other.sentBytes,
      droppedMessages: one.droppedMessages + other.droppedMessages,
      queuedMessages: one.queuedMessages + other.queuedMessages,
      queuedBytes: one.queuedBytes + other.queuedBytes,
      roundTripMs: one.roundTripMs,
    };
  }

  #state(): LaneState {
    const { prompt, bulk } = this.#lanes;
    return severity[bulk.state.kind] > severity[prompt.state.kind] ? bulk.state : prompt.state;
  }

  /** A line for people when something changed; not one for each attempt that fails like the last. */
  #report(): void {
    const state = this.#state();
    if (state.kind === "connecting") return;
    const code = "fault" in state ? state.fault.code : "";
    const report = `${state.kind} ${code}`;
    if (report === this.#reported || this.#over.signal.aborted) return;
    this.#reported = report;
    const { logger } = this.#parts;
    const fields = { peer: this.peer.id, address: this.peer.address };
    if (state.kind === "up") logger.info("connected to a peer", fields);
    else if (state.kind === "down") logger.warn("no connection to a peer", { ...fields, ...state });
    else logger.error("a connection between peers is refused", { ...fields, ...state });
  }
}

/** What the loop announces as it happens: the payload of `/api/v1/events` and of the log. */

import type { Decision } from "./decision.ts";
import type { Symptom, SymptomKey } from "./symptom.ts";

/** Another node that runs meshmend, as it says of itself. */
export interface PeerNotice {
  readonly nodeId: string;
  /** Its address in the originator table; null: not told. */
  readonly originator: string | null;
  readonly addresses: readonly string[];
  /** By which ways it was found. */
  readonly sources: readonly ("mdns" | "seed" | "dhcp")[];
}

export type LoopEvent =
  | { readonly kind: "symptom-raised"; readonly symptom: Symptom }
  | {
      readonly kind: "symptom-cleared";
      readonly key: SymptomKey;
      readonly symptom: Symptom;
      readonly lastedMs: number;
    }
  | { readonly kind: "decision-made"; readonly decision: Decision }
  | { readonly kind: "decision-changed"; readonly decision: Decision }
  | { readonly kind: "verdict"; readonly decision: Decision }
  | { readonly kind: "peer-appeared"; readonly peer: PeerNotice }
  | {
      readonly kind: "peer-gone";
      readonly peer: PeerNotice;
      /** It said so, or was not heard any more. */
      readonly reason: "goodbye" | "expired";
    };

/** An event as the feed hands it out: numbered without gaps from 1 since the process started. */
export interface NumberedEvent {
  readonly sequence: number;
  readonly wallMs: number;
  readonly event: LoopEvent;
}

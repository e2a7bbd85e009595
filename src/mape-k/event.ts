/** What the loop announces as it happens: the payload of `/api/v1/events` and of the log. */

import type { Decision } from "./decision.ts";
import type { Symptom, SymptomKey } from "./symptom.ts";

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
  | { readonly kind: "verdict"; readonly decision: Decision };

/** An event as the feed hands it out: numbered without gaps from 1 since the process started. */
export interface NumberedEvent {
  readonly sequence: number;
  readonly wallMs: number;
  readonly event: LoopEvent;
}

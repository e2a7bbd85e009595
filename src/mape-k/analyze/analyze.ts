/** Runs every detector over the window. The list is the repertoire: a new detector is added here. */

import type { Finding } from "../symptom.ts";
import type { Detector, Thresholds, Window } from "./detector.ts";
import { detectFlapping } from "./flapping.ts";
import { detectInterfaceDown } from "./interface-down.ts";
import { detectLinkLoss } from "./link-loss.ts";
import { detectPacketLossBurst } from "./packet-loss-burst.ts";
import { detectResourcePressure, detectStorageLow } from "./resource-trouble.ts";
import { detectSensorFailed } from "./sensor-failed.ts";
import { detectSilentNeighbour } from "./silent-neighbour.ts";
import { detectTargetUnreachable } from "./target-unreachable.ts";
import { detectTransportTrouble } from "./transport-trouble.ts";

const detectors: readonly Detector[] = [
  detectInterfaceDown,
  detectFlapping,
  detectPacketLossBurst,
  detectTargetUnreachable,
  detectTransportTrouble,
  detectResourcePressure,
  detectStorageLow,
  detectSensorFailed,
  detectLinkLoss,
  detectSilentNeighbour,
];

export function analyze(window: Window, thresholds: Thresholds): readonly Finding[] {
  return detectors.flatMap((detect) => detect(window, thresholds));
}

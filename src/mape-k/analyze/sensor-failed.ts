/** A sensor that fails is itself a symptom; one the machine does not support is only missing. */

import { subject } from "../subject.ts";
import type { Detector } from "./detector.ts";

export const detectSensorFailed: Detector = ({ observation }) =>
  observation.faults
    .filter(({ fault }) => fault.code !== "E_NOT_SUPPORTED")
    .map(({ sensor, fault }) => ({
      kind: "sensor-failed",
      subject: subject("sensor", sensor),
      severity: "warning",
      confidence: 1,
      summary: `the sensor "${sensor}" fails: ${fault.message}`,
      evidence: [{ what: "code", seen: fault.code }],
    }));

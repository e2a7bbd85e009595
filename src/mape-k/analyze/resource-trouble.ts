/** The machine itself: tasks that stall for want of CPU, memory or I/O, and a disk that runs full. */

import { subject } from "../subject.ts";
import type { Finding } from "../symptom.ts";
import type { Detector } from "./detector.ts";

/** When all tasks stall this share of the time, the machine is as good as standing still. */
const standstillRatio = 0.5;

export const detectResourcePressure: Detector = ({ observation }, { pressureRatio }) =>
  (observation.pressure ?? [])
    .filter(({ someRatio }) => someRatio >= pressureRatio)
    .map(({ resource, someRatio, fullRatio }) => ({
      kind: "resource-pressure",
      subject: subject("resource", resource),
      severity: fullRatio >= standstillRatio ? "critical" : "warning",
      confidence: 1,
      summary: `tasks waited for ${resource} ${Math.round(someRatio * 100)} % of the last 10 s`,
      evidence: [
        { what: "someRatio", seen: someRatio, limit: pressureRatio },
        { what: "fullRatio", seen: fullRatio, limit: standstillRatio },
      ],
    }));

export const detectStorageLow: Detector = ({ observation }, { storageFreeRatio }) =>
  (observation.storage ?? []).flatMap(({ path, totalBytes, availableBytes, writable }) => {
    const freeRatio = totalBytes > 0 ? availableBytes / totalBytes : 0;
    if (writable && freeRatio >= storageFreeRatio) return [];
    const why = writable ? `${(freeRatio * 100).toFixed(1)} % free` : "refuses writes";
    const finding: Finding = {
      kind: "storage-low",
      subject: subject("storage", path),
      severity: writable ? "warning" : "critical",
      confidence: 1,
      summary: `the file system of ${path}: ${why}`,
      evidence: [
        { what: "freeRatio", seen: freeRatio, limit: storageFreeRatio },
        { what: "writable", seen: writable, limit: true },
      ],
    };
    return [finding];
  });

/** What user space tells mesh.bpf.c, and in which bytes. */

import { macAt, rowsOf, type Table, uint32, uint64, viewOf } from "./decode.ts";
import { deniedKeyLayout, littleEndian, settingsLayout } from "./mesh-abi.ts";

export interface MeshSettings {
  /** A neighbour is silent after so many of its intervals without a frame. */
  readonly silentAfterIntervals: number;
  /** The interval of a neighbour whose own is not known yet. */
  readonly defaultIntervalMs: number;
  /** A silent neighbour is forgotten after this. */
  readonly forgetAfterMs: number;
  /** `lost` missing of the last `window` (1 to 64) messages are a burst; null: no burst events. */
  readonly burst: { readonly window: number; readonly lost: number } | null;
  readonly announceNeighbours: boolean;
  /** Above it, an originator's broadcasts are dropped; null: no limit. */
  readonly broadcastLimit: { readonly perSecond: number; readonly burst: number } | null;
}

/**
 * batman-adv's own times: it purges after 200 s. Three intervals of ELP and the quarter that is
 * added are 1.6 s, so that a dead neighbour is known within 2; three of the last eight lost are
 * seen within 4 s at 500 ms.
 */
export const defaultMeshSettings: MeshSettings = {
  silentAfterIntervals: 3,
  defaultIntervalMs: 1000,
  forgetAfterMs: 200_000,
  burst: { window: 8, lost: 3 },
  announceNeighbours: true,
  broadcastLimit: null,
};

/** What the program drops, as its tables have it. */
export interface FrameFilter {
  readonly denied: readonly string[];
  readonly broadcastLimit: MeshSettings["broadcastLimit"];
}

/** `settings` and the table `denied`, out of the kernel. */
export function decodeFilter(settings: Uint8Array, denied: Table): FrameFilter {
  const view = viewOf(settings);
  const intervalNs = uint64(view, settingsLayout.broadcastIntervalNs);
  const burstNs = uint64(view, settingsLayout.broadcastBurstNs);
  // Whole nanoseconds: a rate comes back with its first digits.
  const digits = (value: number) => Number(value.toPrecision(6));
  const broadcastLimit =
    intervalNs === 0
      ? null
      : { perSecond: digits(1e9 / intervalNs), burst: Math.round(burstNs / intervalNs) + 1 };
  const rows = [...rowsOf(denied, deniedKeyLayout.bytes, 8)];
  const inForce = uint32(view, settingsLayout.denied) > 0 ? rows : [];
  return { denied: inForce.map(({ key }) => macAt(key, deniedKeyLayout.mac)), broadcastLimit };
}

/** `denied` is how many entries the deny list has: 0 spares every frame the lookup. */
export function encodeSettings(settings: MeshSettings, denied: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(settingsLayout.bytes));
  const uint64 = (at: number, value: number) =>
    view.setBigUint64(at, BigInt(Math.round(value)), littleEndian);
  const { broadcastLimit, burst } = settings;
  if (broadcastLimit !== null) {
    const intervalNs = 1e9 / broadcastLimit.perSecond;
    uint64(settingsLayout.broadcastIntervalNs, Math.max(1, intervalNs));
    uint64(settingsLayout.broadcastBurstNs, intervalNs * Math.max(0, broadcastLimit.burst - 1));
  }
  uint64(settingsLayout.forgetAfterNs, settings.forgetAfterMs * 1e6);
  view.setUint32(settingsLayout.denied, denied, littleEndian);
  view.setUint32(settingsLayout.silentAfterIntervals, settings.silentAfterIntervals, littleEndian);
  view.setUint32(settingsLayout.defaultIntervalUs, settings.defaultIntervalMs * 1000, littleEndian);
  view.setUint8(settingsLayout.burstWindow, burst?.window ?? 0);
  view.setUint8(settingsLayout.burstLost, burst?.lost ?? 0);
  view.setUint8(settingsLayout.announceNeighbours, settings.announceNeighbours ? 1 : 0);
  return new Uint8Array(view.buffer);
}

/** Remembers since when each component is in its state, and sums the node's health up. */

import type { Clock, Health, HealthSource, HealthState } from "../../base/index.ts";

export interface ComponentHealth extends Health {
  readonly component: string;
  /** ISO 8601. */
  readonly since: string;
}

export interface BoardReport {
  readonly state: HealthState;
  readonly components: readonly ComponentHealth[];
}

const severity: Readonly<Record<HealthState, number>> = { ok: 0, degraded: 1, failed: 2 };

export class HealthBoard {
  readonly #clock: Clock;
  readonly #sources: () => readonly HealthSource[];
  readonly #onState: (component: string, state: HealthState) => void;
  readonly #seen = new Map<string, { readonly state: HealthState; readonly sinceMs: number }>();

  constructor(parts: {
    readonly clock: Clock;
    readonly sources: () => readonly HealthSource[];
    readonly onState: (component: string, state: HealthState) => void;
  }) {
    this.#clock = parts.clock;
    this.#sources = parts.sources;
    this.#onState = parts.onState;
  }

  /** Asks every component; a change is dated with this moment. */
  report(): BoardReport {
    const wallMs = this.#clock.wallMs();
    const components = this.#sources().map((source): ComponentHealth => {
      const health = ask(source);
      const before = this.#seen.get(source.component);
      const sinceMs = before?.state === health.state ? before.sinceMs : wallMs;
      this.#seen.set(source.component, { state: health.state, sinceMs });
      this.#onState(source.component, health.state);
      return { component: source.component, since: new Date(sinceMs).toISOString(), ...health };
    });
    const state = components.reduce<HealthState>(
      (worst, { state: each }) => (severity[each] > severity[worst] ? each : worst),
      "ok",
    );
    return { state, components };
  }
}

/** A component that cannot even say how it is has failed; it must not take `/health` with it. */
function ask(source: HealthSource): Health {
  try {
    return source.health();
  } catch (thrown) {
    return { state: "failed", reason: `cannot tell its health: ${String(thrown)}` };
  }
}

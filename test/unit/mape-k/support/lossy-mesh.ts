/**
 * A little mesh around one node: a link that may lose messages, another way around it, and a
 * batman-adv that moves traffic one beat after an override was set.
 */

import { ok } from "../../../../src/base/index.ts";
import type { Action } from "../../../../src/mape-k/action.ts";
import type { LoopPolicy } from "../../../../src/mape-k/loop/loop-state.ts";
import type { MeshLinkReading } from "../../../../src/mape-k/observation.ts";
import { lossReading, meshLink, meshReading } from "./readings.ts";
import { Scenario } from "./scenario.ts";

/** ELP twice and an originator message once a second. */
const messagesPerBeat = 3;

export class LossyMesh {
  readonly scenario: Scenario;
  lossRatio = 0;
  overrideKbps = 0;
  /** Does traffic obey the override? */
  obeys = true;
  link: Partial<MeshLinkReading> = {};
  #expected = 0;
  #received = 0;
  #owed = 0;
  #steered = false;

  constructor(of: Partial<LoopPolicy> = {}) {
    this.scenario = new Scenario(["wlan0", "wlan1"], of);
    this.scenario.beforeBeat = () => this.#move();
    this.scenario.onApply = ({ plan }) => this.#carryOut(plan.actions);
    this.scenario.onUndo = ({ plan }) => this.#carryOut(plan.undo);
  }

  #carryOut(actions: readonly Action[]) {
    for (const action of actions) {
      const setting = action.kind === "restore" ? action.to : action;
      if (setting.kind === "throughput-override") this.overrideKbps = setting.throughputKbps;
    }
    return ok(undefined);
  }

  #move(): void {
    this.#expected += messagesPerBeat;
    this.#owed += messagesPerBeat * (1 - this.lossRatio);
    const arrived = Math.floor(this.#owed);
    this.#owed -= arrived;
    this.#received += arrived;
    const routes = this.#steered && this.obeys ? 0 : 1;
    this.#steered = this.overrideKbps > 0;
    const { interfaces } = meshReading();
    this.scenario.sections = {
      mesh: meshReading({
        interfaces: interfaces.map((each) => ({
          ...each,
          throughputOverrideKbps: this.overrideKbps,
        })),
        links: [meshLink({ routes, ...this.link })],
      }),
      linkLoss: [lossReading({ expected: this.#expected, received: this.#received })],
    };
  }
}

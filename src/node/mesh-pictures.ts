/**
 * What this node can draw of the mesh: its own view, and the names that other nodes give themselves. The
 * views of others are not asked for: without authentication between nodes anybody could draw in it.
 */

import { type Clock, type Fault, failed, fault, ok, type Result } from "../base/index.ts";
import { nodeView } from "../mesh/batman/index.ts";
import {
  type GraphOrigin,
  type Meshviewer,
  mergeViews,
  type NetworkGraph,
  type Topology,
  toDot,
  toMeshviewer,
  toNetJson,
  withNames,
} from "../mesh/index.ts";
import type { SeenMesh } from "./batman-watch.ts";

type Picture<Form> = Result<Form, Fault<"E_MESH_NOT_SEEN">>;

export interface MeshPictureParts {
  readonly clock: Clock;
  /** Null: nothing is seen now. */
  readonly seen: () => SeenMesh | null;
  /** What other nodes call themselves, by originator address. */
  readonly names: () => ReadonlyMap<string, string>;
}

export class MeshPictures {
  readonly #parts: MeshPictureParts;
  readonly #options: { readonly label: string; readonly revision: string };
  readonly #firstTakenAt: string;

  constructor(
    parts: MeshPictureParts,
    options: {
      /** This node's name. */
      readonly label: string;
      /** Of this program. */
      readonly revision: string;
    },
  ) {
    this.#parts = parts;
    this.#options = options;
    this.#firstTakenAt = new Date(parts.clock.wallMs()).toISOString();
  }

  networkGraph(): Picture<NetworkGraph> {
    const drawn = this.#draw();
    return drawn.ok ? ok(toNetJson(drawn.value.topology, drawn.value.origin)) : drawn;
  }

  meshviewer(): Picture<Meshviewer> {
    const drawn = this.#draw();
    if (!drawn.ok) return drawn;
    return ok(
      toMeshviewer(drawn.value.topology, {
        takenAt: new Date(this.#parts.clock.wallMs()).toISOString(),
        firstTakenAt: this.#firstTakenAt,
        clients: new Map(),
      }),
    );
  }

  dot(): Picture<string> {
    const drawn = this.#draw();
    return drawn.ok ? ok(toDot(drawn.value.topology, drawn.value.origin.meshName)) : drawn;
  }

  #draw(): Picture<{ readonly topology: Topology; readonly origin: GraphOrigin }> {
    const seen = this.#parts.seen();
    if (seen === null) return failed(fault("E_MESH_NOT_SEEN", "no mesh is seen now"));
    const { settings } = seen.tables;
    const view = nodeView(seen.tables, this.#options.label);
    if (view === null) {
      const message = `${settings.name} has no active interface, so this node is not in the mesh`;
      return failed(fault("E_MESH_NOT_SEEN", message));
    }
    const origin: GraphOrigin = {
      routerId: view.node,
      protocolVersion: settings.moduleVersion,
      revision: this.#options.revision,
      metric: settings.algorithm === "BATMAN_IV" ? "tq" : "throughput-kbps",
      meshName: settings.name,
    };
    return ok({ topology: withNames(mergeViews([view]), this.#parts.names()), origin });
  }
}

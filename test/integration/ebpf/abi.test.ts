/** The TypeScript mirrors of bpf/*-abi.h agree with what the C compiler makes of them. */

import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import * as latency from "../../../src/ebpf/latency-abi.ts";
import * as mesh from "../../../src/ebpf/mesh-abi.ts";

const bpf = path.join(import.meta.dirname, "../../../bpf");

/** Struct, its mirror, and the fields that the mirror calls otherwise. */
const layouts: readonly (readonly [string, Record<string, number>, Record<string, string>?])[] = [
  [
    "mesh_interface",
    mesh.interfaceLayout,
    {
      frames: "counters.frames",
      bytesPerProtocol: "counters.bytes",
      verdicts: "counters.verdicts",
      troubles: "counters.troubles",
      ogms: "counters.ogms",
    },
  ],
  ["mesh_stream", mesh.streamLayout],
  ["mesh_neighbour_key", mesh.neighbourKeyLayout],
  ["mesh_neighbour", mesh.neighbourLayout, { bytesReceived: "bytes" }],
  ["mesh_path_key", mesh.pathKeyLayout],
  ["mesh_path", mesh.pathLayout],
  ["mesh_source_key", mesh.sourceKeyLayout],
  ["mesh_source", mesh.sourceLayout],
  ["mesh_denied_key", mesh.deniedKeyLayout],
  ["mesh_settings", mesh.settingsLayout],
  ["mesh_event", mesh.eventLayout],
  ["latency_interface", latency.latencyLayout],
  ["latency_drop_key", latency.dropKeyLayout],
];

const limits: readonly (readonly [string, number])[] = [
  ["MESH_INTERFACE_PLACES", mesh.meshLimits.interfacePlaces],
  ["MESH_PROBES", mesh.meshLimits.probes],
  ["MESH_MAX_NEIGHBOURS", mesh.meshLimits.maxNeighbours],
  ["MESH_MAX_PATHS", mesh.meshLimits.maxPaths],
  ["MESH_MAX_SOURCES", mesh.meshLimits.maxSources],
  ["MESH_MAX_DENIED", mesh.meshLimits.maxDenied],
  ["MESH_PROTOCOLS", mesh.protocols.length],
  ["MESH_VERDICTS", mesh.verdicts.length],
  ["MESH_TROUBLES", mesh.troubles.length],
  ["MESH_DIRECT_STREAMS", mesh.directStreams.length],
  ["MESH_EVENT_RESTARTED", mesh.eventKinds.length],
  ["LATENCY_BUCKETS", latency.latencyLimits.buckets],
  ["LATENCY_MAX_INTERFACES", latency.latencyLimits.maxInterfaces],
  ["LATENCY_MAX_DROPS", latency.latencyLimits.maxDrops],
  ["LATENCY_TOTALS", latency.latencyTotals.length],
  // Members of the enums, whose order the mirrors rely on.
  ["MESH_ELP", mesh.protocols.indexOf("elp")],
  ["MESH_UNICAST_TVLV", mesh.protocols.indexOf("unicast-tvlv")],
  ["MESH_DROP_DENIED", mesh.verdicts.indexOf("drop-denied")],
  ["MESH_CONTENDED", mesh.troubles.indexOf("contended")],
  ["MESH_STREAM_OGM2", mesh.directStreams.indexOf("ogm2")],
  ["MESH_EVENT_BURST_BEGAN", mesh.eventKinds.indexOf("burst-began") + 1],
  ["LATENCY_DROPS_UNCOUNTED", latency.latencyTotals.indexOf("drops-uncounted")],
];

const snake = (name: string) => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

test("every size, offset and limit is the header's", (context) => {
  if (spawnSync("cc", ["--version"]).status !== 0) context.skip("needs a C compiler (Debian: gcc)");
  const expected: Record<string, number> = Object.fromEntries(limits);
  const lines = limits.map(([name]) => `printf("${name} %d\\n", (int)${name});`);
  for (const [struct, mirror, renamed = {}] of layouts) {
    for (const [field, value] of Object.entries(mirror)) {
      const member = renamed[field] ?? snake(field);
      const [name, what] =
        field === "bytes"
          ? [`sizeof ${struct}`, `sizeof(struct ${struct})`]
          : [`${struct}.${member}`, `offsetof(struct ${struct}, ${member})`];
      expected[name] = value;
      lines.push(`printf("${name} %d\\n", (int)${what});`);
    }
  }
  const folder = mkdtempSync(path.join(tmpdir(), "meshmend-abi-"));
  try {
    const source = path.join(folder, "abi.c");
    const includes = ["stddef.h", "stdio.h", "mesh-abi.h", "latency-abi.h"];
    const head = includes.map((name) => `#include <${name}>`).join("\n");
    writeFileSync(source, `${head}\nint main(void) {\n${lines.join("\n")}\nreturn 0; }\n`);
    execFileSync("cc", ["-Wall", "-Werror", `-I${bpf}`, "-o", path.join(folder, "abi"), source]);
    const output = execFileSync(path.join(folder, "abi"), { encoding: "utf8" });
    const pairs = output.trim().split("\n");
    const seen = Object.fromEntries(
      pairs.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.split(" ").at(-1))]),
    );
    expect(seen).toEqual(expected);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

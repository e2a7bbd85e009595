/** Both ports to batman-adv over one recording of a real node, made within the same second. */

import { readFileSync } from "node:fs";
import path from "node:path";
import { failed, fault, ok } from "../../src/base/index.ts";
import {
  type BatadvNetlink,
  BatctlBatmanPort,
  NetlinkBatmanPort,
} from "../../src/mesh/batman/io/index.ts";

interface Recording {
  readonly batctl: Readonly<Record<string, string>>;
  readonly netlink: Readonly<Record<string, string>> & {
    readonly links: readonly {
      readonly index: number;
      readonly name: string;
      readonly kind: string;
      readonly masterIndex: number;
    }[];
  };
}

export type RecordedName = "triangle-iv" | "triangle-v";

export function recording(name: RecordedName): Recording {
  const file = path.join(import.meta.dirname, `../fixtures/batman/${name}.json`);
  return JSON.parse(readFileSync(file, "utf8")) as Recording;
}

/** `enum batadv_nl_commands`. */
const tables: Readonly<Record<number, string>> = {
  1: "mesh",
  5: "hardInterfaces",
  6: "localTranslations",
  7: "globalTranslations",
  8: "originators",
  9: "neighbours",
  10: "gateways",
};

export const fromHex = (hex: string) => new Uint8Array(Buffer.from(hex, "hex"));

const refusal = (name: string, operation: string) => ({
  ok: false as const,
  error: { name, operation, message: name, missingCapabilities: [] },
});

/** Answers what was recorded; whatever would change something is not permitted. */
export function recordedNetlink(name: RecordedName): BatadvNetlink {
  const { netlink } = recording(name);
  return {
    async batadvRequest(command, _dump, attributes) {
      const index = new DataView(attributes.buffer, attributes.byteOffset).getUint32(4, true);
      if (netlink.links.every((link) => link.index !== index || link.kind !== "batadv")) {
        return refusal("ENODEV", "batadvRequest");
      }
      const hex = netlink[tables[command] ?? ""];
      return hex === undefined
        ? refusal("EPERM", "batadvRequest")
        : { ok: true, value: fromHex(hex) };
    },
    rtnlDump: async () => ({ ok: true, value: { links: netlink.links } }),
    rtnlSetLink: async () => refusal("EPERM", "rtnlSetLink"),
  };
}

export function recordedNetlinkPort(name: RecordedName): NetlinkBatmanPort {
  return new NetlinkBatmanPort({ netlink: recordedNetlink(name) });
}

export function recordedBatctlPort(name: RecordedName): BatctlBatmanPort {
  const { batctl } = recording(name);
  const ends = (exitCode: number, stdout: string, stderr = "") =>
    ok({ exitCode, stdout, stderr, truncated: false });
  return new BatctlBatmanPort({
    async run(command, args, signal) {
      if (signal.aborted) return failed(fault("E_COMMAND_ABORTED", "stopped"));
      if (command === "ip") return ends(0, "4: bat0: <BROADCAST,UP> mtu 1500 qdisc noqueue\n");
      const [, mesh, query] = args;
      if (mesh !== "bat0") {
        const said = `Error - interface ${mesh} is not present or not a batman-adv interface`;
        return ends(1, "", said);
      }
      const output = batctl[query ?? ""];
      return output === undefined
        ? ends(1, "", "Error - you must be root to run 'batctl' !")
        : ends(0, `${output}\n`);
    },
  });
}

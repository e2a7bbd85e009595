/**
 * Rows as batctl prints them (`batctl meshif IF oj`, netlink/genl_json.c): flat objects, flags as
 * `true` or absent, some enums as words and some bit fields as objects with a `raw` number.
 */

import { failed, fault, messageOf, ok, type Result } from "../../base/index.ts";
import type { AttributeName, Attributes } from "./attributes.ts";
import type { BatmanFault } from "./batman-port.ts";
import { type MacAddress, parseMacAddress } from "./mac-address.ts";

const gatewayModes: Readonly<Record<string, number>> = { off: 0, client: 1, server: 2 };

class JsonAttributes implements Attributes {
  readonly #fields: Readonly<Record<string, unknown>>;

  constructor(fields: Readonly<Record<string, unknown>>) {
    this.#fields = fields;
  }

  has(name: AttributeName): boolean {
    const value = this.#fields[name];
    return value !== undefined && value !== false;
  }

  integer(name: AttributeName): number | null {
    const value = this.#fields[name];
    if (name === "gw_mode" && typeof value === "string") return gatewayModes[value] ?? null;
    const number = isRecord(value) ? value["raw"] : value;
    return Number.isSafeInteger(number) ? (number as number) : null;
  }

  address(name: AttributeName): MacAddress | null {
    const value = this.#fields[name];
    return typeof value === "string" ? parseMacAddress(value) : null;
  }

  text(name: AttributeName): string | null {
    const value = this.#fields[name];
    return typeof value === "string" ? value : null;
  }
}

/** The rows of one JSON document; `mj` prints one object, the tables print arrays. */
export function jsonRows(json: string): Result<readonly Attributes[], BatmanFault> {
  let document: unknown;
  try {
    document = JSON.parse(json);
  } catch (thrown) {
    return failed(fault("E_BATMAN_MALFORMED", `batctl printed no JSON: ${messageOf(thrown)}`));
  }
  const rows: readonly unknown[] = Array.isArray(document) ? document : [document];
  const attributes: Attributes[] = [];
  for (const row of rows) {
    if (!isRecord(row)) {
      return failed(fault("E_BATMAN_MALFORMED", "batctl printed something that is no table"));
    }
    attributes.push(new JsonAttributes(row));
  }
  return ok(attributes);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { jsonRows } from "../../../../src/mesh/batman/json-attributes.ts";
import { macAddressAt } from "../../../../src/mesh/batman/mac-address.ts";
import { MacAddressBook } from "../../../../src/mesh/batman/mac-address-book.ts";
import { encodeAttributes, NetlinkRows } from "../../../../src/mesh/batman/netlink-attributes.ts";
import { settingArguments } from "../../../../src/mesh/batman/setting-values.ts";
import {
  maxRows,
  readGateway,
  readLocalTranslation,
  readMeshSettings,
  readPath,
  readRows,
} from "../../../../src/mesh/batman/table-reader.ts";
import { fromHex, recordedBatctlPort, recording } from "../../../support/recorded-batman.ts";

const { signal } = new AbortController();

describe("the recorded tables", () => {
  it("of BATMAN_V come in kbit/s, whatever the unit they were sent in", async () => {
    const read = await recordedBatctlPort("triangle-v").readTables("bat0", signal);
    if (!read.ok) throw new Error(read.fault.message);
    const { settings, hardInterfaces, paths, gateways, neighbours } = read.value;
    expect(settings).toMatchObject({
      algorithm: "BATMAN_V",
      originator: "02:00:00:00:01:02",
      gateway: { mode: "client", selectionClass: 50 },
      hopPenalty: 30,
      originatorIntervalMs: 1_000,
    });
    expect(hardInterfaces[0]).toMatchObject({
      name: "v12",
      active: true,
      hopPenalty: 17,
      elpIntervalMs: 500,
      throughputOverrideKbps: 54_000,
    });
    const toGateway = paths.find(({ originator, best }) => best && originator.endsWith(":02:01"));
    expect(toGateway).toMatchObject({ quality: 8_823_500, interface: "v13" });
    expect(gateways).toMatchObject([{ quality: 8_823_500, downKbps: 20_000, upKbps: 5_000 }]);
    expect(neighbours.map(({ quality }) => quality)).toEqual([64_900, 10_000_000]);
  });

  it("of BATMAN_IV come as TQ, and the neighbours without a quality", async () => {
    const read = await recordedBatctlPort("triangle-iv").readTables("bat0", signal);
    if (!read.ok) throw new Error(read.fault.message);
    expect(read.value.gateways).toMatchObject([{ quality: 191, selected: true }]);
    expect(read.value.neighbours.map(({ quality }) => quality)).toEqual([null, null]);
    expect(read.value.paths.map(({ quality }) => quality)).toEqual([88, 127, 137, 188, 133, 197]);
  });
});

describe("what is no table", () => {
  it.each([
    ["nothing", ""],
    ["half of it", '[{"orig_address":"02:'],
    ["something else", '["02:00:00:00:00:01"]'],
    ["a number", "7"],
  ])("is refused: %s", (_, text) => {
    expect(jsonRows(text)).toMatchObject({ ok: false, fault: { code: "E_BATMAN_MALFORMED" } });
  });

  it.each([
    ["without a next hop", { neigh_address: undefined }],
    ["with a next hop that is no address", { neigh_address: "02:00:00:00:00" }],
    ["without a quality", { tq: undefined }],
    ["with a quality that is no number", { tq: "255" }],
    ["without an interface", { hard_ifname: "" }],
  ])("is refused as a whole for a path %s", (_, change) => {
    const whole = {
      orig_address: "02:00:00:00:00:01",
      neigh_address: "02:00:00:00:00:02",
      hard_ifname: "v12",
      last_seen_msecs: 3,
      tq: 200,
    };
    const read = (...rows: unknown[]) => {
      const parsed = jsonRows(JSON.stringify(rows));
      return parsed.ok ? readRows("originators", parsed.value, readPath) : parsed;
    };
    expect(read(whole)).toMatchObject({ ok: true });
    const odd = read(whole, { ...whole, ...change });
    expect(odd).toMatchObject({ ok: false, fault: { code: "E_BATMAN_MALFORMED" } });
  });

  it("is refused when it is beyond any mesh's size", () => {
    const [row] = rowsOf('{"tt_address":"02:00:00:00:00:01","tt_vid":-1,"tt_flags":{"raw":0}}');
    if (row === undefined) throw new Error("expected a row");
    const read = readRows("clients", Array(maxRows + 1).fill(row), readLocalTranslation);
    expect(read).toMatchObject({ ok: false, fault: { code: "E_BATMAN_TABLE_TOO_LARGE" } });
  });
});

function rowsOf(json: string) {
  const rows = jsonRows(json);
  return rows.ok ? rows.value : [];
}

describe("bytes from the kernel", () => {
  const readers = [readPath, readGateway, readMeshSettings, readLocalTranslation];
  const walk = (bytes: Uint8Array): number => {
    const rows = new NetlinkRows(bytes, new MacAddressBook());
    for (let count = 0; ; count++) {
      const more = rows.next();
      if (!more.ok || !more.value) return count;
      for (const read of readers) read(rows);
    }
  };

  it("of any content end, and never throw", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        expect(walk(bytes)).toBeLessThanOrEqual(bytes.length / 4);
      }),
    );
  });

  it("that were cut, flipped or stretched end, and never throw", () => {
    const { netlink } = recording("triangle-v");
    const dumps = ["originators", "gateways", "mesh", "globalTranslations"] as const;
    fc.assert(
      fc.property(
        fc.constantFrom(...dumps.map((name) => fromHex(netlink[name] ?? ""))),
        fc.nat(2_000),
        fc.nat(2_000),
        fc.nat(255),
        (dump, cut, at, byte) => {
          const bytes = dump.slice(0, dump.length - (cut % dump.length));
          bytes[at % bytes.length] = byte;
          expect(walk(bytes)).toBeLessThanOrEqual(bytes.length / 4);
        },
      ),
    );
  });

  it("are what was asked with, when they come back", () => {
    const sent = encodeAttributes([
      { name: "hop_penalty", uint8: 77 },
      { name: "throughput_override", uint32: 0xfedc_ba98 },
    ]);
    const row = new Uint8Array(4 + sent.length);
    new DataView(row.buffer).setUint32(0, sent.length, true);
    row.set(sent, 4);
    const rows = new NetlinkRows(row, new MacAddressBook());
    expect(rows.next()).toEqual({ ok: true, value: true });
    expect(rows.integer("hop_penalty")).toBe(77);
    expect(rows.integer("throughput_override")).toBe(0xfedc_ba98);
    expect(rows.integer("tq")).toBeNull();
    expect(rows.next()).toEqual({ ok: true, value: false });
  });
});

describe("the arguments of batctl", () => {
  it.each([
    [
      { kind: "throughput-override", interface: "v12", throughputKbps: 1_000 },
      "hardif v12 throughput_override 1000kbit",
    ],
    [{ kind: "membership", interface: "v12", member: false }, "meshif bat0 interface -M del v12"],
    [
      { kind: "gateway-mode", gateway: { mode: "client", selectionClass: 50 } },
      "meshif bat0 gw_mode client 5000kbit",
    ],
    [
      { kind: "gateway-mode", gateway: { mode: "server", downKbps: 9_000, upKbps: 500 } },
      "meshif bat0 gw_mode server 9000kbit/500kbit",
    ],
  ] as const)("of %j", (setting, words) => {
    expect(settingArguments(setting, "bat0", "BATMAN_V").join(" ")).toBe(words);
  });

  it("give a selection class as it is under BATMAN_IV", () => {
    const gateway = { mode: "client", selectionClass: 20 } as const;
    const words = settingArguments({ kind: "gateway-mode", gateway }, "bat0", "BATMAN_IV");
    expect(words.at(-1)).toBe("20");
  });

  it("keep each row's own text, however alike the last one was", () => {
    const names = ["mesh1", "mesh1", "mesh", "mesh11", "mesh1", ""];
    const row = (name: string) => {
      const bytes = new Uint8Array(4 + 4 + 8);
      const view = new DataView(bytes.buffer);
      view.setUint32(0, 12, true);
      view.setUint16(4, 4 + name.length + 1, true);
      view.setUint16(6, 7, true);
      bytes.set(Buffer.from(name), 8);
      // The kernel's length says where the row ends.
      view.setUint32(0, 4 + ((name.length + 1 + 3) & ~3), true);
      return bytes.slice(0, 8 + ((name.length + 1 + 3) & ~3));
    };
    const rows = new NetlinkRows(Buffer.concat(names.map(row)), new MacAddressBook());
    const read = names.map(() => (rows.next().ok ? rows.text("hard_ifname") : null));
    expect(read).toEqual(names);
  });
});

describe("the book of addresses", () => {
  it("tells any address as its bytes are, also when it began anew in between", () => {
    const book = new MacAddressBook();
    const bytes = new Uint8Array(6);
    const view = new DataView(bytes.buffer);
    for (let turn = 0; turn < 2; turn++) {
      for (let i = 0; i < 20_000; i++) {
        // Many differ in one byte alone, as those of one maker's cards do.
        view.setUint16(0, i % 7);
        view.setUint32(2, i * 0x101);
        if (book.at(bytes, 0) !== macAddressAt(bytes, 0)) expect.unreachable(String(i));
      }
    }
  });

  it("hands out the same string again", () => {
    const book = new MacAddressBook();
    const bytes = new Uint8Array([2, 0, 0, 0, 1, 255]);
    expect(book.at(bytes, 0)).toBe("02:00:00:00:01:ff");
    expect(book.at(new Uint8Array([9, ...bytes]), 1)).toBe("02:00:00:00:01:ff");
  });
});

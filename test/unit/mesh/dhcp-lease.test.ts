import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { readLease, readSeedList } from "../../../src/mesh/dhcp-lease.ts";
import { readLeases } from "../../../src/mesh/io/lease-files.ts";

const fixture = (name: string) =>
  readFileSync(path.join(import.meta.dirname, "../../fixtures/leases", name), "utf8");
const at = (time: string) => Date.parse(`2026-11-21T${time}Z`);
const query = { option: 224, interface: "bat0", wallMs: at("06:45:00") };
const shown = ({ seeds, refused }: ReturnType<typeof readLease>) => ({
  seeds: seeds?.map(({ host, port }) => `${host} ${port}`) ?? null,
  refused,
});

describe("a lease of dhclient", () => {
  const read = (changes: Partial<typeof query> = {}) =>
    shown(readLease(fixture("dhclient.leases"), { ...query, ...changes, format: "dhclient" }));

  it("tells by the last lease of the interface", () => {
    expect(read()).toEqual({ seeds: ["10.20.0.1 8480", "fd00::7 8481"], refused: 0 });
    expect(read({ interface: "eth0" }).seeds).toEqual(["192.168.1.1 8480"]);
    expect(read({ interface: "wlan0" }).seeds).toBeNull();
  });

  it("tells nothing once it is over", () => {
    expect(read({ wallMs: at("06:59:59") }).seeds).not.toBeNull();
    expect(read({ wallMs: at("07:00:00") }).seeds).toBeNull();
    expect(read({ interface: "eth0", wallMs: at("23:00:00") }).seeds).not.toBeNull();
  });

  it("may have the option by number, as text or as bytes", () => {
    const first = fixture("dhclient.leases").split("lease {")[1] ?? "";
    const text = `lease {${first}`;
    const early = { ...query, format: "dhclient" as const, wallMs: at("05:00:00") };
    expect(shown(readLease(text, early)).seeds).toEqual(["10.20.0.9 8480"]);
    expect(shown(readLease(text, { ...early, option: 225 })).seeds).toBeNull();
    const epoch = text.replace(/expire .*/, `expire epoch ${at("06:00:00") / 1_000}; # Sat`);
    expect(shown(readLease(epoch, early)).seeds).toEqual(["10.20.0.9 8480"]);
    expect(shown(readLease(epoch, { ...early, wallMs: at("06:00:00") })).seeds).toBeNull();
  });
});

it("a lease of systemd-networkd has the option in hexadecimal", () => {
  const read = readLease(fixture("networkd.lease"), { ...query, format: "networkd" });
  expect(shown(read)).toEqual({ seeds: ["10.20.0.1 8480"], refused: 1 });
});

it("a lease of udhcpc has what its hook wrote down, and host names in it are refused", () => {
  const read = readLease(fixture("udhcpc.lease"), { ...query, format: "udhcpc" });
  expect(shown(read)).toEqual({ seeds: ["10.20.0.1 8480"], refused: 1 });
});

describe("what a DHCP server may name", () => {
  it.each([
    "127.0.0.1:22",
    "0.0.0.0:80",
    "224.0.0.1:80",
    "255.255.255.255:80",
    "[::1]:80",
    "[::ffff:127.0.0.1]:80",
    "[fe80::1]:80",
    "[ff02::1]:80",
    "10.0.0.1:0",
    "10.0.0.1:65536",
    "10.0.0.1",
    "10.0.0.256:80",
    "http://10.0.0.1:80",
    "localhost:80",
  ])("is not %s", (word) => {
    expect(readSeedList(word)).toEqual({ seeds: [], refused: 1 });
  });

  it("is sixteen addresses at most, each once", () => {
    const words = Array.from({ length: 40 }, (_, i) => `10.0.0.${1 + (i % 20)}:8480`);
    const { seeds, refused } = readSeedList(words.join(" "));
    expect(seeds).toHaveLength(16);
    expect(refused).toBeGreaterThan(0);
  });

  it("whatever stands in the file, reading ends and gives addresses with ports", () => {
    const words = fc.constantFrom("lease {", "}", '  interface "bat0";', "option", "expire", "\n");
    const text = fc.array(fc.oneof(words, fc.string())).map((all) => all.join(""));
    fc.assert(
      fc.property(text, fc.constantFrom("dhclient", "networkd", "udhcpc"), (lease, format) => {
        const { seeds } = readLease(lease, { ...query, format });
        for (const { port } of seeds ?? []) expect(port).toBeGreaterThan(0);
      }),
    );
  });
});

describe("the lease files of a machine", () => {
  function machine(): string {
    const root = mkdtempSync(path.join(tmpdir(), "meshmend-leases-"));
    onTestFinished(() => rmSync(root, { recursive: true }));
    for (const folder of ["var/lib/dhcp", "run/systemd/netif/leases", "sys/class/net/bat0"]) {
      mkdirSync(path.join(root, folder), { recursive: true });
    }
    return root;
  }

  it("are none where no client keeps any", async () => {
    const found = await readLeases({ ...query, root: machine() });
    expect(found).toEqual({ files: [], seeds: [], refused: 0, unreadable: [] });
  });

  it("are found of every client, and what they name is named once", async () => {
    const root = machine();
    const put = (to: string, name: string) => writeFileSync(path.join(root, to), fixture(name));
    put("var/lib/dhcp/dhclient.bat0.leases", "dhclient.leases");
    writeFileSync(path.join(root, "sys/class/net/bat0/ifindex"), "7\n");
    put("run/systemd/netif/leases/7", "networkd.lease");
    put("run/udhcpc.bat0.lease", "udhcpc.lease");
    const { files, seeds, refused } = await readLeases({ ...query, root });
    expect(files).toHaveLength(3);
    expect(seeds.map(({ host }) => host)).toEqual(["10.20.0.1", "fd00::7"]);
    expect(refused).toBe(2);
  });

  it("that are something else are said, and hold nobody up", async () => {
    const root = machine();
    symlinkSync("/dev/zero", path.join(root, "run/udhcpc.bat0.lease"));
    const { files, unreadable } = await readLeases({ ...query, root });
    expect(files).toEqual([]);
    expect(unreadable).toEqual([expect.stringContaining("is not a file")]);
  });
});

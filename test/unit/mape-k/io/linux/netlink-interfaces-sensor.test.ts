import { describe, expect, it } from "vitest";
import { type LinkNetlink, NetlinkInterfacesSensor } from "../../../../../src/mape-k/io/index.ts";

type Link = ReturnType<LinkNetlink<string>["rtnlDecode"]>["links"][number];
type Answer = Awaited<ReturnType<LinkNetlink<string>["rtnlDump"]>>;

const up = 0x1;
const loopback = 0x8;
const watched = { include: ["*"], exclude: [], maxInterfaces: 9 };
const { signal } = new AbortController();

function link(index: number, changes: Partial<Link> = {}): Link {
  return {
    ...{ removed: false, index, name: `link${index}`, flags: up, kind: "", masterIndex: 0 },
    ...{ lowerIndex: 0, operState: 6, mtuBytes: 1500, carrierChanges: 2 },
    ...changes,
  };
}

/** A kernel with some links, whose events and dumps come when the test says. */
class FakeKernel implements LinkNetlink<string> {
  dumps = 0;
  open = 0;
  links: Link[] = [];
  /** Of the dump that is to come; else it is answered at once. */
  held: Promise<unknown> | null = null;
  refusal: { name: string; operation: string; message: string } | null = null;
  #tell: (messages: Uint8Array, overrun: boolean) => void = () => {};
  readonly #events: Link[][] = [];

  async rtnlDump(): Promise<Answer> {
    this.dumps++;
    const links = [...this.links];
    await this.held;
    if (this.refusal !== null) return { ok: false, error: this.refusal };
    return { ok: true, value: { links } };
  }
  rtnlDecode(messages: Uint8Array) {
    return { links: this.#events[messages[0] ?? -1] ?? [] };
  }
  async rtnlCounters() {
    const rows = this.links.map(({ index }) => [index, 1, 2, 3, 4, 5, 6, 7, 8]);
    return { ok: true as const, value: new Float64Array(rows.flat()) };
  }
  netlinkSubscribe(_protocol: number, _groups: readonly number[], tell: typeof this.tell) {
    this.open++;
    this.#tell = tell;
    return { ok: true as const, value: "subscription" };
  }
  closePoll(): void {
    this.open--;
  }
  tell(messages: Uint8Array, overrun: boolean): void {
    this.#tell(messages, overrun);
  }
  event(...links: Link[]): void {
    this.tell(new Uint8Array([this.#events.push(links) - 1]), false);
  }
}

function started(links: Link[]): [FakeKernel, NetlinkInterfacesSensor<string>] {
  const kernel = new FakeKernel();
  kernel.links = links;
  return [kernel, new NetlinkInterfacesSensor({ netlink: kernel }, watched)];
}

async function names(sensor: NetlinkInterfacesSensor<string>): Promise<string[]> {
  const sample = await sensor.sample(signal);
  if (!sample.ok) throw new Error(sample.fault.code);
  return sample.value.map(({ name }) => name);
}

describe("the rtnetlink sensor", () => {
  it("joins what it was told with the counters, and leaves the loopback out", async () => {
    const [, sensor] = started([link(1, { name: "o", flags: up | loopback }), link(2)]);
    const expected = { name: "link2", index: 2, adminUp: true, operState: "up", mtuBytes: 1500 };
    expect(await sensor.sample(signal)).toEqual({
      ok: true,
      value: [
        {
          ...{ ...expected, stacked: false, carrierChanges: 2, rxPackets: 1, txPackets: 2 },
          ...{ rxBytes: 3, txBytes: 4, rxErrors: 5, txErrors: 6, rxDrops: 7, txDrops: 8 },
        },
      ],
    });
  });

  it.each([
    { kind: "vlan", lowerIndex: 1, stacked: true },
    { kind: "veth", lowerIndex: 1, stacked: false },
    { kind: "bridge", lowerIndex: 0, stacked: false },
  ])("takes $kind on link $lowerIndex for stacked: $stacked", async ({ stacked, ...changes }) => {
    const [, sensor] = started([link(5, changes)]);
    expect(await sensor.sample(signal)).toMatchObject({ ok: true, value: [{ stacked }] });
  });

  it("dumps once, then lives on events", async () => {
    const [kernel, sensor] = started([link(2)]);
    await names(sensor);
    kernel.links = [link(3)];
    kernel.event(link(2, { removed: true }), link(3, { name: "new" }));
    expect(await names(sensor)).toEqual(["new"]);
    expect(kernel.dumps).toBe(1);
  });

  it("dumps again when events were lost", async () => {
    const [kernel, sensor] = started([link(2)]);
    await names(sensor);
    kernel.links = [link(2, { name: "renamed" })];
    kernel.tell(new Uint8Array(), true);
    expect(await names(sensor)).toEqual(["renamed"]);
  });

  it("believes an event that came during a dump more than the dump", async () => {
    const [kernel, sensor] = started([link(2)]);
    const gate = Promise.withResolvers<void>();
    kernel.held = gate.promise;
    const sample = names(sensor);
    await expect.poll(() => kernel.dumps).toBe(1);
    kernel.event(link(2, { name: "newer" }));
    gate.resolve();
    expect(await sample).toEqual(["newer"]);
  });

  it("asks again after a dump that failed, and says meanwhile that it is blind", async () => {
    const [kernel, sensor] = started([link(2)]);
    kernel.refusal = { name: "EINTR", operation: "rtnlDump", message: "interrupted" };
    expect(await sensor.sample(signal)).toMatchObject({ fault: { code: "E_SENSOR_READ" } });
    kernel.refusal = null;
    expect(await names(sensor)).toEqual(["link2"]);
  });

  it("gives its subscription back, and can be sampled again", async () => {
    const [kernel, sensor] = started([link(2)]);
    await names(sensor);
    sensor.close();
    expect(kernel.open).toBe(0);
    kernel.links = [link(3)];
    expect(await names(sensor)).toEqual(["link3"]);
    expect(kernel.open).toBe(1);
  });

  it("does not open anew when it is closed while it waits", async () => {
    const [kernel, sensor] = started([link(2)]);
    const sample = sensor.sample(signal);
    sensor.close();
    expect(await sample).toMatchObject({ ok: false });
    expect(kernel.open).toBe(0);
  });
});

/**
 * Every actuator of the mesh on the real thing: applied, read back by batctl, ip or what the neighbours
 * notice, taken back, read back. It changes the mesh it finds, so it runs in the lab's machine only,
 * in the first node of a triangle.
 */

import { execFileSync, spawnSync } from "node:child_process";
import process from "node:process";
import { afterEach, beforeEach, describe, expect, it, type TestContext } from "vitest";
import { silentLogger } from "../../../src/base/index.ts";
import {
  type Action,
  type Actuator,
  restoreOf,
  type SettingAction,
} from "../../../src/mape-k/index.ts";
import {
  commandRunner,
  InterfaceActuator,
  kernelRoots,
  MtuActuator,
} from "../../../src/mape-k/io/index.ts";
import { type OpenedMesh, openMesh } from "../../../src/node/open-mesh.ts";
import { realClock } from "../../support/real-clock.ts";

const never = new AbortController().signal;
const isLab = process.env["MESHMEND_LAB_INSIDE"] !== undefined;
const mesh = "bat0";
const hard = "to-n2";
const nobody = 65_534;

let opened: OpenedMesh | null = null;
beforeEach(async (context) => {
  if (!isLab) return context.skip("needs the lab: a mesh that may be changed");
  opened = openMesh({ mesh: { interface: mesh } }, { clock: realClock, logger: silentLogger });
  await opened?.sensors.mesh?.sample(never);
});
afterEach(async () => {
  await opened?.sensors.linkLoss?.close?.();
  opened = null;
});

function actuatorOf(kind: Action["kind"]): Actuator {
  const parts = { clock: realClock, run: commandRunner(realClock) };
  const options = { ...kernelRoots, timeoutMs: 30_000 };
  const all = [
    new InterfaceActuator(parts, options),
    new MtuActuator(parts, options),
    ...(opened?.actuators ?? []),
  ];
  const found = all.find(({ kinds }) => (kinds as readonly string[]).includes(kind));
  if (found === undefined) throw new Error(`nothing here can do ${kind}`);
  return found;
}

function run(command: string): string {
  const [program = "", ...args] = command.split(" ");
  return execFileSync(program, args, { encoding: "utf8" }).trim();
}

async function eventually(holds: () => boolean, what: string): Promise<void> {
  const startedMs = performance.now();
  while (!holds()) {
    if (performance.now() - startedMs > 30_000) throw new Error(`never came true: ${what}`);
    await realClock.sleep(250);
  }
}

interface Case {
  readonly action: SettingAction;
  /** What prints the setting, and what it prints before and after. */
  readonly look: string;
  readonly before: RegExp;
  readonly after: RegExp;
}

const settings: readonly Case[] = [
  {
    action: { kind: "throughput-override", interface: hard, throughputKbps: 12_300 },
    look: `batctl hardif ${hard} throughput_override`,
    before: /^0\.0 MBit/,
    after: /^12\.3 MBit/,
  },
  {
    action: { kind: "interface-hop-penalty", interface: hard, hopPenalty: 77 },
    look: `batctl hardif ${hard} hop_penalty`,
    before: /^0$/,
    after: /^77$/,
  },
  {
    action: { kind: "elp-interval", interface: hard, intervalMs: 700 },
    look: `batctl hardif ${hard} elp_interval`,
    before: /^500$/,
    after: /^700$/,
  },
  {
    action: { kind: "mesh-hop-penalty", interface: mesh, hopPenalty: 41 },
    look: `batctl meshif ${mesh} hop_penalty`,
    before: /^30$/,
    after: /^41$/,
  },
  {
    action: { kind: "originator-interval", interface: mesh, intervalMs: 1_700 },
    look: `batctl meshif ${mesh} orig_interval`,
    before: /^1000$/,
    after: /^1700$/,
  },
  {
    action: {
      kind: "gateway-mode",
      interface: mesh,
      gateway: { mode: "server", downKbps: 12_300, upKbps: 4_500 },
    },
    look: `batctl meshif ${mesh} gw_mode`,
    before: /^off/,
    after: /^server \(announced bw: 12\.3\/4\.5 MBit\)/,
  },
  {
    action: {
      kind: "gateway-mode",
      interface: mesh,
      gateway: { mode: "client", selectionClass: 130 },
    },
    look: `batctl meshif ${mesh} gw_mode`,
    before: /^off/,
    after: /^client \(selection class: (130|13\.0 MBit)\)/,
  },
  {
    action: { kind: "mesh-membership", interface: hard, member: false },
    look: `batctl meshif ${mesh} interface`,
    before: new RegExp(`${hard}: active`),
    after: new RegExp(`^(?!.*${hard})`, "s"),
  },
  {
    action: { kind: "interface-mtu", interface: hard, mtuBytes: 1_500 },
    look: `ip link show dev ${hard}`,
    before: /mtu (?!1500)\d+/,
    after: /mtu 1500/,
  },
];

describe("a setting of the mesh", () => {
  it.each(settings)(
    "$action.kind is applied and taken back, as $look says",
    { timeout: 60_000 },
    async ({ action, look, before, after }) => {
      const actuator = actuatorOf(action.kind);
      expect(run(look)).toMatch(before);
      const undo = await actuator.undoFor?.(action, never);
      if (undo?.ok !== true) throw new Error(undo?.fault.message ?? "it knows no undo");
      expect(await actuator.apply(action, never)).toEqual({ ok: true, value: undefined });
      expect(run(look)).toMatch(after);
      expect(await actuator.apply(undo.value, never)).toEqual({ ok: true, value: undefined });
      await eventually(() => before.test(run(look)), `${look} says ${before}`);
    },
  );
});

describe("an interface of the mesh", () => {
  it("is taken out and put back with the settings it had", { timeout: 60_000 }, async () => {
    run(`batctl hardif ${hard} hop_penalty 33`);
    const changes = () => run(`ip -d link show dev ${hard}`);
    const reenslave = { kind: "mesh-reenslave", interface: hard } as const;
    expect(await actuatorOf(reenslave.kind).apply(reenslave, never)).toMatchObject({ ok: true });
    expect(run(`batctl hardif ${hard} hop_penalty`)).toBe("33");
    run(`batctl hardif ${hard} hop_penalty 0`);
    expect(changes()).toContain(`master ${mesh}`);
  });

  it("is bounced: its carrier goes and comes", { timeout: 60_000 }, async () => {
    const carrier = () => Number(run(`cat /sys/class/net/${hard}/carrier_changes`));
    const before = carrier();
    const bounce = { kind: "interface-bounce", interface: hard, downMs: 300 } as const;
    expect(await actuatorOf(bounce.kind).apply(bounce, never)).toMatchObject({ ok: true });
    await eventually(() => carrier() >= before + 2, "the carrier changed twice");
    expect(run(`ip link show dev ${hard}`)).toMatch(/<.*\bUP\b.*>/);
  });
});

/** Where the addon is missing, the program that filters is missing too. */
async function watching(context: TestContext): Promise<OpenedMesh> {
  const frames = opened?.sensors.linkLoss;
  if (opened === null || frames === undefined) return context.skip("needs the native addon");
  expect(await frames.sample(never)).toMatchObject({ ok: true });
  return opened;
}

/** Milliseconds since the neighbour was heard, as batman-adv has it. */
function lastSeenMs(address: string): number {
  const table = JSON.parse(run(`batctl meshif ${mesh} neighbors_json`)) as {
    neigh_address: string;
    last_seen_msecs: number;
  }[];
  return table.find((each) => each.neigh_address === address)?.last_seen_msecs ?? Infinity;
}

function neighbourOn(name: string): string {
  const table = JSON.parse(run(`batctl meshif ${mesh} neighbors_json`)) as {
    neigh_address: string;
    hard_ifname: string;
  }[];
  const found = table.find((each) => each.hard_ifname === name);
  if (found === undefined) throw new Error(`${name} has no neighbour`);
  return found.neigh_address;
}

describe("the filter", () => {
  it("keeps a denied neighbour out, and lets it in again", { timeout: 90_000 }, async (context) => {
    await watching(context);
    const address = neighbourOn(hard);
    const deny = { kind: "frame-deny", interface: mesh, address, denied: true } as const;
    const actuator = actuatorOf(deny.kind);
    const undo = await actuator.undoFor?.(deny, never);
    expect(undo).toEqual({ ok: true, value: restoreOf(deny, { ...deny, denied: false }) });
    await eventually(() => lastSeenMs(address) < 1_400, "it is heard");
    expect(await actuator.apply(deny, never)).toEqual({ ok: true, value: undefined });
    await eventually(() => lastSeenMs(address) > 4_000, "it is not heard any more");
    expect(undo?.ok && (await actuator.apply(undo.value, never))).toMatchObject({ ok: true });
    await eventually(() => lastSeenMs(address) < 1_400, "it is heard again");
  });

  it("cuts a storm of broadcasts, and lets all pass again", {
    timeout: 120_000,
  }, async (context) => {
    await watching(context);
    const limit = { perSecond: 1, burst: 3 };
    const wanted = { kind: "broadcast-limit", interface: mesh, limit } as const;
    const actuator = actuatorOf(wanted.kind);
    const undo = await actuator.undoFor?.(wanted, never);
    expect(await actuator.apply(wanted, never)).toEqual({ ok: true, value: undefined });
    // Counted where the mesh hands them to this node.
    const received = () => Number(run(`cat /sys/class/net/${mesh}/statistics/rx_packets`));
    const storm = () => {
      const before = received();
      // Nobody answers a broadcast, which ping takes for a failure.
      const ping = ["ping", "-q", "-b", "-c", "60", "-i", "0.02", "-W", "1", "10.99.0.255"];
      spawnSync("ip", ["netns", "exec", "n2", ...ping]);
      return received() - before;
    };
    const cut = storm();
    expect(undo?.ok && (await actuator.apply(undo.value, never))).toMatchObject({ ok: true });
    expect(storm()).toBeGreaterThanOrEqual(50);
    expect(cut).toBeLessThanOrEqual(40);
  });
});

const all: readonly Action[] = [
  ...settings.map(({ action }) => action),
  { kind: "mesh-reenslave", interface: hard },
  { kind: "interface-bounce", interface: hard, downMs: 100 },
  { kind: "frame-deny", interface: mesh, address: "02:00:00:00:00:99", denied: true },
  { kind: "broadcast-limit", interface: mesh, limit: { perSecond: 1, burst: 1 } },
];

describe("an unprivileged user", () => {
  it.each(all)(
    "is refused $kind with the capability that is missing",
    { timeout: 60_000 },
    async (action) => {
      const actuator = actuatorOf(action.kind);
      const before = run(`batctl meshif ${mesh} interface`);
      if (process.getuid?.() !== 0) throw new Error("expected to be root in the lab");
      process.seteuid?.(nobody);
      try {
        // The program that filters is loaded by the first look at the links.
        await opened?.sensors.linkLoss?.sample(never);
        const refused = await actuator.apply(action, never);
        expect(refused).toMatchObject({ ok: false, fault: { code: "E_NOT_PERMITTED" } });
        const said = refused.ok ? "" : `${refused.fault.message} ${refused.fault.remedy}`;
        expect(said).toContain("CAP_NET_ADMIN");
      } finally {
        process.seteuid?.(0);
      }
      expect(run(`batctl meshif ${mesh} interface`)).toBe(before);
    },
  );
});

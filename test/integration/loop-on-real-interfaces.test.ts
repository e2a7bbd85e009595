/** The whole loop as a real process on the real kernel: a namespace, a wire, and faults in it. */

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Daemon, eventually, startDaemon, temporaryDataDir } from "./support/daemon.ts";
import {
  type NetworkNamespace,
  namespaceProblem,
  openNetworkNamespace,
} from "./support/network-namespace.ts";

const problem = namespaceProblem();
const quick = { MESHMEND_LOOP_PERIOD: "200ms", MESHMEND_REPAIR_VERIFY: "4s" };
const secondsToHeal = 30_000;

describe("the loop on real interfaces", () => {
  let namespace: NetworkNamespace;
  let daemon: Daemon | null = null;
  let data: ReturnType<typeof temporaryDataDir>;

  beforeEach(async (context) => {
    if (problem !== null) return context.skip(problem);
    data = temporaryDataDir();
    namespace = await openNetworkNamespace();
    namespace.exec("ip", "link", "set", "lo", "up");
    namespace.addVethPair("mesh0", "far0");
    // A second wire: a node with one path alone may not have it bounced.
    namespace.addVethPair("mesh1", "far1");
    for (const name of ["mesh0", "far0", "mesh1", "far1"]) set(name, "up");
  });
  afterEach(async () => {
    await daemon?.kill("SIGKILL");
    daemon = null;
    await namespace?.close();
    data?.remove();
  });

  const set = (name: string, state: "up" | "down") =>
    namespace.exec("ip", "link", "set", "dev", name, state);
  const kernel = (name: string, file: string) =>
    readFileSync(`${namespace.roots.sysRoot}/class/net/${name}/${file}`, "utf8").trim();
  const isSetUp = (name: string) => (Number(kernel(name, "flags")) & 1) === 1;

  /** A busy machine may well find symptoms of its own. */
  const decisions = (node: Daemon) =>
    node.decisions().filter(({ symptom }) => symptom.subject === "interface/mesh0");
  const firstVerdict = (node: Daemon) =>
    eventually(
      "a verdict",
      secondsToHeal,
      () => decisions(node).find(({ verdict }) => verdict !== null),
      node.log,
    );

  async function start(environment: Record<string, string>): Promise<Daemon> {
    const started = await startDaemon(namespace, { dataDir: data.path, environment });
    daemon = started;
    await eventually("a first look at mesh0", secondsToHeal, () =>
      started.observation()?.interfaces?.find(({ name }) => name === "mesh0"),
    );
    return started;
  }

  it("raises interface-down within two beats of the far end going down", async () => {
    const node = await start({ MESHMEND_INTERFACES_EXCLUDE: "far*" });
    set("far0", "down");
    const beat = node.observation()?.beat ?? Number.NaN;
    const symptom = await eventually("interface-down", secondsToHeal, () =>
      node
        .symptoms()
        .find(({ kind, subject }) => `${kind} ${subject}` === "interface-down interface/mesh0"),
    );
    expect(symptom.raisedBeat).toBeLessThanOrEqual(beat + 2);
    expect(symptom.evidence).toContainEqual({ what: "adminUp", seen: true, limit: true });
  });

  it("touches nothing in mode observe, and says what it would do once", async () => {
    const node = await start({ ...quick, MESHMEND_INTERFACES_EXCLUDE: "far*" });
    set("mesh0", "down");
    const changes = kernel("mesh0", "carrier_changes");
    const decision = await eventually("a decision", secondsToHeal, () => decisions(node).at(0));
    const { beat } = decision;
    await eventually(
      "ten more beats",
      secondsToHeal,
      () => (node.observation()?.beat ?? 0) > beat + 10,
    );
    expect(decision.admission).toEqual({ kind: "observed" });
    expect(decision.plan.actions).toEqual([{ kind: "interface-up", interface: "mesh0" }]);
    expect(decisions(node)).toHaveLength(1);
    expect(isSetUp("mesh0")).toBe(false);
    expect(kernel("mesh0", "carrier_changes")).toBe(changes);
  });

  it("sets an interface up again in mode act, with a verdict", async () => {
    const node = await start({
      ...quick,
      MESHMEND_MODE: "act",
      MESHMEND_INTERFACES_EXCLUDE: "far*",
    });
    set("mesh0", "down");
    await eventually("mesh0 up", secondsToHeal, () => isSetUp("mesh0"), node.log);
    const decision = await firstVerdict(node);
    expect(decision.verdict?.outcome).toBe("healed");
    expect(decision.verdict?.before).toContainEqual({ what: "adminUp", seen: false, limit: true });
    await eventually(
      "no symptom",
      secondsToHeal,
      () => !node.symptoms().some(({ subject }) => subject === "interface/mesh0"),
    );
  });

  it("bounces an interface without carrier, and calls it healed when the carrier is back", async () => {
    const node = await start({
      ...quick,
      MESHMEND_MODE: "act",
      MESHMEND_INTERFACES_EXCLUDE: "far*",
    });
    set("far0", "down");
    await eventually("the bounce", secondsToHeal, () => node.log().includes("repair verifying"));
    set("far0", "up");
    const decision = await firstVerdict(node);
    expect(decision.plan.actions).toMatchObject([{ kind: "interface-bounce", interface: "mesh0" }]);
    expect(decision.verdict?.outcome).toBe("healed");
    expect(isSetUp("mesh0")).toBe(true);
  });

  it("takes back a bounce that did not help, and waits before it tries again", async () => {
    const node = await start({
      ...quick,
      MESHMEND_MODE: "act",
      MESHMEND_INTERFACES_EXCLUDE: "far*",
    });
    set("far0", "down");
    const decision = await firstVerdict(node);
    expect(decision.verdict).toMatchObject({ outcome: "undone" });
    expect(decision.verdict?.after).not.toHaveLength(0);
    expect(isSetUp("mesh0")).toBe(true);
    const refused = await eventually("a refusal", secondsToHeal, () =>
      decisions(node).find(({ admission }) => admission.kind === "refused"),
    );
    expect(refused.admission).toMatchObject({ code: "E_COOL_DOWN" });
  });

  it("raises one flapping symptom for many changes of the carrier, and decides once", async () => {
    const node = await start({
      ...quick,
      MESHMEND_MODE: "act",
      MESHMEND_INTERFACES_EXCLUDE: "far*",
    });
    for (let change = 0; change < 20; change++) {
      set("far0", change % 2 === 0 ? "down" : "up");
      await delay(250);
    }
    const raised = node.events("symptom-raised").map(({ symptom }) => symptom.kind);
    expect(raised.filter((kind) => kind === "flapping")).toHaveLength(1);
    expect(raised.filter((kind) => kind === "interface-down").length).toBeLessThanOrEqual(2);
    const about = decisions(node).filter(({ symptom }) => symptom.kind === "flapping");
    expect(about).toHaveLength(1);
    expect(about[0]?.plan.actions).toMatchObject([{ kind: "tell" }]);
  });

  it("finds an action that kill -9 left open, and undoes it", async () => {
    const act = { ...quick, MESHMEND_MODE: "act", MESHMEND_INTERFACES_EXCLUDE: "far*" };
    const first = await start(act);
    set("far0", "down");
    await eventually(
      "the down half of the bounce",
      secondsToHeal,
      () => !isSetUp("mesh0"),
      first.log,
    );
    await first.kill("SIGKILL");
    expect(isSetUp("mesh0")).toBe(false);
    const second = await start(act);
    await eventually("the open action", secondsToHeal, () =>
      second.log().includes("found an open action"),
    );
    await eventually("mesh0 up", secondsToHeal, () => isSetUp("mesh0"), second.log);
    const decision = await firstVerdict(second);
    expect(decision.verdict?.outcome).toBe("undone");
    expect(decision.timeline.map(({ what }) => what).join("\n")).toContain("after a restart");
  });

  it("stops within five seconds of SIGTERM, even with a repair under way", async () => {
    const act = { MESHMEND_MODE: "act", MESHMEND_INTERFACES_EXCLUDE: "far*" };
    const node = await start(act);
    set("far0", "down");
    await eventually("the bounce", secondsToHeal, () => !isSetUp("mesh0"), node.log);
    const askedMs = performance.now();
    expect(await node.kill("SIGTERM")).toBe(0);
    expect(performance.now() - askedMs).toBeLessThan(5_000);
    expect(isSetUp("mesh0")).toBe(true);
  });

  it("ends soon after SIGTERM, even when `ip` never does", async () => {
    const bin = join(data.path, "bin");
    mkdirSync(bin);
    const path = process.env["PATH"] ?? "";
    const real = namespace.exec("sh", "-c", "command -v ip").trim();
    const script = `#!/bin/sh\n[ "$1 $2" = "link set" ] && exec sleep 60\nexec ${real} "$@"\n`;
    writeFileSync(join(bin, "ip"), script, { mode: 0o755 });
    const act = { MESHMEND_MODE: "act", MESHMEND_INTERFACES_EXCLUDE: "far*" };
    const node = await start({ ...act, PATH: `${bin}:${path}` });
    set("far0", "down");
    // Of a bounce, which is not left half done: it goes on trying for half a minute.
    await eventually("a bounce", secondsToHeal, () => node.log().includes("plan: set mesh0 down"));
    await delay(500);
    const askedMs = performance.now();
    expect(await node.kill("SIGTERM")).toBe(1);
    expect(performance.now() - askedMs).toBeLessThan(10_000);
  });
});

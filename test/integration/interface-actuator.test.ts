/** The interface actuator against a real kernel, in a network namespace of its own. */

import { afterEach, beforeEach, describe, expect, it, type TestContext } from "vitest";
import type { Action } from "../../src/mape-k/action.ts";
import { commandRunner, InterfaceActuator, type RunCommand } from "../../src/mape-k/io/index.ts";
import { realClock } from "../support/real-clock.ts";
import {
  type NetworkNamespace,
  namespaceProblem,
  openNetworkNamespace,
} from "./support/network-namespace.ts";

const problem = namespaceProblem();
const run = commandRunner(realClock);
const never = new AbortController().signal;
const up: Action = { kind: "interface-up", interface: "mesh0" };
const down: Action = { kind: "interface-down", interface: "mesh0" };
const bounce: Action = { kind: "interface-bounce", interface: "mesh0", downMs: 50 };
const done = { ok: true, value: undefined };

describe("the interface actuator on this kernel", () => {
  let namespace: NetworkNamespace;
  beforeEach(async (ctx: TestContext) => {
    if (problem !== null) return ctx.skip(problem);
    namespace = await openNetworkNamespace();
    namespace.addVethPair("mesh0", "far0");
  });
  afterEach(() => namespace?.close());

  function actuator(runInside: RunCommand = namespace.runner(run)): InterfaceActuator {
    const { sysRoot } = namespace.roots;
    return new InterfaceActuator(
      { clock: realClock, run: runInside },
      { sysRoot, timeoutMs: 10_000 },
    );
  }
  /** By `ip`, not by sysfs: another witness than the actuator's own. */
  function isUp(): boolean {
    return /<[^>]*\bUP\b/.test(namespace.exec("ip", "link", "show", "mesh0"));
  }
  /** Runs `after` once a command that sets the interface so has ended. */
  function once(state: "up" | "down", after: () => void): RunCommand {
    const inside = namespace.runner(run);
    return async (command, args, signal) => {
      const end = await inside(command, args, signal);
      if (args.at(-1) === state) after();
      return end;
    };
  }

  it("sets an interface up and down, twice as well as once", async () => {
    for (const action of [up, up]) expect(await actuator().apply(action, never)).toEqual(done);
    expect(isUp()).toBe(true);
    for (const action of [down, down]) expect(await actuator().apply(action, never)).toEqual(done);
    expect(isUp()).toBe(false);
  });

  it("bounces: down in between, up at the end", async () => {
    await actuator().apply(up, never);
    const between: boolean[] = [];
    const watched = actuator(once("down", () => between.push(isUp())));
    expect(await watched.apply(bounce, never)).toEqual(done);
    expect(between).toEqual([false]);
    expect(isUp()).toBe(true);
  });

  it("brings the interface up again when a bounce is broken off while it is down", async () => {
    await actuator().apply(up, never);
    const stop = new AbortController();
    const long: Action = { ...bounce, downMs: 60_000 };
    const outcome = await actuator(once("down", () => stop.abort())).apply(long, stop.signal);
    expect(outcome).toMatchObject({ ok: false, fault: { code: "E_ACTION_TIMEOUT" } });
    expect(isUp()).toBe(true);
  });

  it("tries again when the second half of a bounce fails", async () => {
    await actuator().apply(up, never);
    const inside = namespace.runner(run);
    let refusals = 1;
    const flaky: RunCommand = (command, args, signal) =>
      args.at(-1) === "up" && refusals-- > 0
        ? inside("false", [], signal)
        : inside(command, args, signal);
    expect(await actuator(flaky).apply(bounce, never)).toEqual(done);
    expect(isUp()).toBe(true);
  });

  it("names the capability when the kernel refuses, and changes nothing", async () => {
    const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    const unprivileged = actuator(namespace.runner(run, nobody));
    await actuator().apply(up, never);
    for (const action of [down, bounce]) {
      const outcome = await unprivileged.apply(action, never);
      expect(outcome).toMatchObject({ ok: false, fault: { code: "E_NOT_PERMITTED" } });
      if (!outcome.ok) expect(outcome.fault.message).toContain("CAP_NET_ADMIN");
      if (!outcome.ok) expect(outcome.fault.remedy).toContain("CAP_NET_ADMIN");
    }
    expect(isUp()).toBe(true);
  });

  it("says that there is no such interface, also when it goes during a bounce", async () => {
    const missing: Action = { kind: "interface-up", interface: "mesh7" };
    const noSuch = { ok: false, fault: { code: "E_NO_SUCH_SUBJECT" } };
    expect(await actuator().apply(missing, never)).toMatchObject(noSuch);
    await actuator().apply(up, never);
    const vanishing = once("down", () => namespace.exec("ip", "link", "delete", "mesh0"));
    expect(await actuator(vanishing).apply(bounce, never)).toMatchObject(noSuch);
  });
});

/** Runs `ip link set`, and knows the words of iproute2 and busybox for what the kernel answered. */

import { type Clock, type Fault, failed, fault, ok, type Result } from "../../../base/index.ts";
import type { ActuatorFaultCode } from "../../execute/actuator.ts";
import { interfaceNameProblem } from "./interface-name.ts";
import type { CommandEnd, CommandFault, RunCommand } from "./run-command.ts";

type ActuatorFault = Fault<ActuatorFaultCode>;

/** Null when it may stand in a command. */
export function badName(name: string): ActuatorFault | null {
  const problem = interfaceNameProblem(name);
  if (problem === null) return null;
  return fault("E_NO_SUCH_SUBJECT", `${JSON.stringify(name)} cannot be an interface: ${problem}`);
}

/** `words` follow `ip link set dev NAME`. What came of it, only the kernel's own files tell. */
export async function setLink(
  parts: { readonly clock: Clock; readonly run: RunCommand },
  options: { readonly timeoutMs: number },
  name: string,
  words: readonly string[],
  signal: AbortSignal,
): Promise<Result<void, ActuatorFault>> {
  const ended = new AbortController();
  const giveUp = new AbortController();
  const stop = AbortSignal.any([signal, ended.signal]);
  const timer = parts.clock.sleep(options.timeoutMs, stop).then(() => giveUp.abort());
  const args = ["link", "set", "dev", name, ...words];
  const end = await parts.run("ip", args, giveUp.signal);
  ended.abort();
  await timer;
  const wanted = words.join(" ");
  if (!end.ok) return failed(commandFault(end.fault, name, wanted));
  return end.value.exitCode === 0 ? ok(undefined) : failed(refusal(end.value, name, wanted));
}

export function noInterface(name: string): ActuatorFault {
  return fault("E_NO_SUCH_SUBJECT", `there is no interface ${name}`);
}

function commandFault(cause: CommandFault, name: string, wanted: string): ActuatorFault {
  switch (cause.code) {
    case "E_NO_COMMAND":
      return fault("E_NO_CAPABILITY", cause.message, "install iproute2 (or busybox with ip)");
    case "E_COMMAND_ABORTED":
      return fault("E_ACTION_TIMEOUT", `setting ${name} ${wanted} was stopped before it had ended`);
    case "E_COMMAND_FAILED":
      return fault("E_ACTION_FAILED", cause.message);
  }
}

/** The words of iproute2 and busybox for what the kernel answered. */
function refusal(end: CommandEnd, name: string, wanted: string): ActuatorFault {
  const said = end.stderr.trim().split("\n")[0] ?? "";
  if (/not permitted|permission denied/i.test(said)) {
    return fault(
      "E_NOT_PERMITTED",
      `setting ${name} ${wanted} needs CAP_NET_ADMIN: ${said}`,
      "run as root, or give the service AmbientCapabilities=CAP_NET_ADMIN",
    );
  }
  if (/no such device|(cannot|can't) find device/i.test(said)) return noInterface(name);
  const how = end.exitCode === null ? "was killed" : `ended with ${end.exitCode}`;
  return fault("E_ACTION_FAILED", `ip link set ${name} ${wanted} ${how}: ${said}`);
}

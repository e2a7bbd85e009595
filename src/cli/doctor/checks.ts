/** The list of what `meshmend doctor` looks at, each with what it is good for. */

import { readFile } from "node:fs/promises";
import { release } from "node:os";
import { messageOf } from "../../base/index.ts";
import type { HostPort, NodeConfig } from "../../config/node-config.ts";
import { type Capability, hasCapability, probeNativeAddon } from "../../node/capabilities.ts";
import { healthShape } from "../answers.ts";
import { connectDaemon } from "../daemon-client.ts";
import { type Check, couldNotTell, type Finding, no, openFileLimit, yes } from "./check.ts";
import {
  exists,
  findProgram,
  lookAtClock,
  lookAtDataDirectory,
  lookAtPort,
  lookAtSpace,
  lookAtSync,
  readIfThere,
  runProgram,
} from "./look.ts";

type Environment = Readonly<Record<string, string | undefined>>;

interface Planned {
  readonly name: string;
  readonly purpose: string;
  readonly required?: boolean;
  readonly look: () => Finding | Promise<Finding>;
}

/** One at a time, so that the sync latency is not that of the others' work. */
export async function runChecks(
  config: NodeConfig,
  environment: Environment,
): Promise<readonly Check[]> {
  const checks: Check[] = [];
  for (const planned of plannedChecks(config, environment)) {
    const { name, purpose, required = false, look } = planned;
    let finding: Finding;
    try {
      finding = await look();
    } catch (thrown) {
      finding = couldNotTell(messageOf(thrown));
    }
    checks.push({ name, purpose, required, ...finding });
  }
  return checks;
}

function plannedChecks(config: NodeConfig, environment: Environment): readonly Planned[] {
  const { dataDir, http, mesh, targets } = config;
  const pings = targets.some(({ url }) => url.startsWith("icmp:"));
  const program = (name: string, remedy: string) => () => lookForProgram(name, remedy, environment);
  const forRepair = "repairing interfaces";
  const forLoss = "counting lost messages on the links of the mesh";
  const forMesh = "seeing and steering the mesh";
  return [
    { name: "Node.js", purpose: "running at all", required: true, look: lookAtNode },
    {
      name: "data directory",
      purpose: "decisions and journal",
      required: true,
      look: () => lookAtDataDirectory(dataDir),
    },
    {
      name: "HTTP address",
      purpose: "status, metrics",
      required: true,
      look: () => lookAtAddress(http.listen),
    },
    { name: "disk space", purpose: "decisions and journal", look: () => lookAtSpace(dataDir) },
    { name: "disk sync", purpose: "the crash journal", look: () => lookAtSync(dataDir) },
    { name: "open files", purpose: "one per watched file of an interface", look: lookAtOpenFiles },
    {
      name: "clock",
      purpose: "times in records that agree between nodes",
      look: () => lookAtClock(environment),
    },
    {
      name: "pressure stall information",
      purpose: "noticing starved resources",
      look: lookAtPressure,
    },
    { name: "ip", purpose: forRepair, look: program("ip", "apt install iproute2") },
    { name: "root", purpose: forRepair, look: lookAtUser },
    { name: "CAP_NET_ADMIN", purpose: forRepair, look: () => lookAtCapability("CAP_NET_ADMIN") },
    {
      name: "ping",
      purpose: pings ? "the icmp targets of the configuration" : "icmp targets",
      look: () => lookAtPing(environment),
    },
    { name: "CAP_BPF", purpose: forLoss, look: () => lookAtCapability("CAP_BPF") },
    { name: "BTF", purpose: forLoss, look: lookAtBtf },
    { name: "XDP", purpose: forLoss, look: lookAtXdp },
    {
      name: "native addon",
      purpose: `${forLoss}, reading the mesh and interfaces by netlink`,
      look: lookAtNativeAddon,
    },
    { name: "batman-adv", purpose: forMesh, look: () => lookAtBatman(environment) },
    {
      name: "mesh interface",
      purpose: forMesh,
      look: () => lookAtMeshInterface(mesh.interface, environment),
    },
    {
      name: "batctl",
      purpose: `${forMesh}, as root, where the native addon is not built`,
      look: program("batctl", "apt install batctl"),
    },
  ];
}

/** A meshmend that answers there is the best sign that one can run. */
async function lookAtAddress(listen: HostPort): Promise<Finding> {
  const finding = await lookAtPort(listen);
  if (finding.state !== "no") return finding;
  const daemon = connectDaemon(listen);
  const health = await daemon.get("/health", healthShape, [200, 503]);
  return health.ok ? yes(`a meshmend runs at ${daemon.address}: ${health.value.state}`) : finding;
}

async function lookForProgram(
  name: string,
  remedy: string,
  environment: Environment,
): Promise<Finding> {
  const path = await findProgram(name, environment);
  return path === null ? no("not installed", remedy) : yes(path);
}

/** That it is installed says little: without privileges of its own it may not ping. */
async function lookAtPing(environment: Environment): Promise<Finding> {
  const path = await findProgram("ping", environment);
  if (path === null) return no("not installed", "apt install iputils-ping");
  const pinged = await runProgram(path, ["-n", "-c", "1", "-W", "1", "127.0.0.1"]);
  if (pinged === null) return couldNotTell(`${path} did not end`);
  if (pinged.status === 0) return yes(path);
  const why = pinged.output.trim().split("\n")[0] ?? "";
  const remedy = "run as root, or with CAP_NET_RAW as in infra/systemd/meshmend.service";
  return no(`${path} cannot ping 127.0.0.1: ${why}`, remedy);
}

function lookAtNode(): Finding {
  const { node } = process.versions;
  if (Number.parseInt(node, 10) >= 24) return yes(node);
  return no(`${node} is too old`, "run meshmend with Node.js 24 or later (npm ci brings it along)");
}

function lookAtUser(): Finding {
  if (process.getuid?.() === 0) return yes("running as root");
  return no("running as another user", "sudo; not needed where CAP_NET_ADMIN is given");
}

function lookAtCapability(name: Capability): Finding {
  const has = hasCapability(name);
  if (has === null) return couldNotTell("/proc/self/status does not say");
  const remedy = `run as root, or with AmbientCapabilities=${name} as in infra/systemd/meshmend.service`;
  return has ? yes("effective") : no("not effective", remedy);
}

/** Six per interface and some for sockets and the store; a node with fewer is a small one. */
const enoughOpenFiles = 4_096;

async function lookAtOpenFiles(): Promise<Finding> {
  const limit = openFileLimit(await readFile("/proc/self/limits", "utf8"));
  if (limit === null) return couldNotTell("/proc/self/limits has no such line");
  if (limit >= enoughOpenFiles) return yes(`${limit}`);
  return no(`only ${limit}`, `raise it (ulimit -n ${enoughOpenFiles}, LimitNOFILE= in systemd)`);
}

async function lookAtPressure(): Promise<Finding> {
  if (await exists("/proc/pressure/memory")) return yes("/proc/pressure");
  return no(
    "not in this kernel, or switched off",
    "CONFIG_PSI=y, and psi=1 on the kernel command line",
  );
}

async function lookAtBtf(): Promise<Finding> {
  if (await exists("/sys/kernel/btf/vmlinux")) return yes("/sys/kernel/btf/vmlinux");
  return no("the kernel brings no type information", "a kernel with CONFIG_DEBUG_INFO_BTF=y");
}

/** Whether XDP programs can be attached by link (net/core/dev.c), on whatever driver there is. */
async function lookAtXdp(): Promise<Finding> {
  // Registered by kernel/bpf/syscall.c, so there exactly when bpf(2) is.
  if (!(await exists("/proc/sys/kernel/unprivileged_bpf_disabled"))) {
    return no("the kernel has no bpf()", "a kernel with CONFIG_BPF_SYSCALL=y");
  }
  const symbols = await readIfThere("/proc/kallsyms");
  if (symbols === null) return couldNotTell("there is no /proc/kallsyms");
  if (symbols.includes(" bpf_xdp_link_attach")) return yes("programs can be attached");
  return no("the kernel attaches no XDP programs by link", "Linux 5.9 or later");
}

function lookAtNativeAddon(): Finding {
  const probe = probeNativeAddon();
  if (probe.kind === "available") return yes(probe.folder);
  return probe.kind === "absent" ? no(probe.why, probe.needs) : couldNotTell(probe.why);
}

async function lookAtBatman(environment: Environment): Promise<Finding> {
  const version = await readIfThere("/sys/module/batman_adv/version");
  if (version !== null) return yes(`loaded, ${version.trim()}`);
  if (await exists("/sys/module/batman_adv")) return yes("loaded");
  const index = await readIfThere(`/lib/modules/${release()}/modules.dep`);
  if (index?.includes("/batman-adv.ko") === true) {
    return no("a module of this kernel, not loaded", "modprobe batman-adv");
  }
  const modprobe = await findProgram("modprobe", environment);
  if (modprobe === null) return couldNotTell("there is no modprobe to ask");
  const asked = await runProgram(modprobe, ["--dry-run", "--quiet", "batman-adv"]);
  if (asked === null) return couldNotTell("modprobe did not answer");
  if (asked.status === 0) return no("a module of this kernel, not loaded", "modprobe batman-adv");
  return no("not in this kernel", "a kernel with CONFIG_BATMAN_ADV, as Debian's and OpenWrt's are");
}

/** What `mesh.interface` comes to on this machine. */
async function lookAtMeshInterface(wanted: string, environment: Environment): Promise<Finding> {
  if (wanted === "none") return yes("mesh.interface is none: not looked at");
  const ip = await findProgram("ip", environment);
  if (ip === null) return couldNotTell("there is no ip to ask");
  const asked = await runProgram(ip, ["-o", "link", "show", "type", "batadv"]);
  if (asked?.status !== 0) return couldNotTell(asked?.output.trim() || "ip did not answer");
  const names = Array.from(asked.output.matchAll(/^\d+: ([^:@]+)[:@]/gm), ([, name]) => name ?? "");
  const remedy = "ip link add bat0 type batadv; batctl meshif bat0 interface add IF";
  if (wanted !== "auto") {
    return names.includes(wanted) ? yes(wanted) : no(`there is no ${wanted}`, remedy);
  }
  const [only, ...others] = names;
  if (only === undefined) return no("there is no batman-adv interface", remedy);
  if (others.length === 0) return yes(only);
  return no(`there are several: ${names.join(", ")}`, "name one of them in mesh.interface");
}

/**
 * Builds what the lab boots: Debian's own kernel, which has batman-adv, netem and mac80211_hwsim as
 * modules (kernels of cloud machines have none of them), and an initrd with those modules and an
 * init that mounts the host's files. Needs no root and no KVM.
 *
 * It has no dependencies, runs on the machine's own Node (18 or newer) like scripts/setup.mjs, is
 * safe to run twice or beside another, and returns in milliseconds when the image is there.
 *
 *   node test/lab/image/build.mjs            builds it into .cache/lab when it is missing
 *   node test/lab/image/build.mjs --fresh    builds it again, with the newest kernel apt offers
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.resolve(here, "../../..");

/** Kept between runs, outside git. */
export const cacheFolder = process.env.MESHMEND_LAB_CACHE ?? path.join(root, ".cache", "lab");
const imageFolder = path.join(cacheFolder, "image");

/** What the lab calls, on the host and, through the shared file tree, inside the machine. */
export const labTools = [
  { binary: "qemu-system-x86_64", debian: "qemu-system-x86", reason: "the lab's virtual machine" },
  { binary: "busybox", debian: "busybox-static", reason: "the lab's first process" },
  { binary: "modprobe", debian: "kmod", reason: "the order of the lab's kernel modules" },
  { binary: "cpio", debian: "cpio", reason: "the lab's initial file system" },
  { binary: "batctl", debian: "batctl", reason: "settings and tables of batman-adv in the lab" },
  { binary: "iw", debian: "iw", reason: "simulated radios in the lab" },
  { binary: "ip", debian: "iproute2", reason: "namespaces, links and netem in the lab" },
  { binary: "ping", debian: "iputils-ping", reason: "the user's view of a repair" },
  { binary: "iperf3", debian: "iperf3", reason: "throughput in the lab" },
  { binary: "ethtool", debian: "ethtool", reason: "batman-adv's counters in the lab" },
  { binary: "curl", debian: "curl", reason: "the daemon's HTTP face inside a namespace" },
];

/** With all that each of them needs, in the order of loading. */
const modules = [
  ...["virtio_pci", "virtio_console", "9pnet_virtio", "9p", "overlay", "veth", "dummy"],
  ...["batman-adv", "sch_netem", "sch_tbf", "sch_htb", "sch_ingress", "cls_bpf", "act_bpf"],
  ...["mac80211_hwsim", "wireguard", "virtio_net"],
];

const say = (line) => process.stderr.write(`lab image: ${line}\n`);

/** The image's files, or null when it is missing or was built by another version of this file. */
export function builtImage() {
  try {
    const stamp = JSON.parse(fs.readFileSync(path.join(imageFolder, "stamp.json"), "utf8"));
    if (stamp.recipe !== recipe()) return null;
    return {
      kernel: path.join(imageFolder, "vmlinuz"),
      initrd: path.join(imageFolder, "initrd.gz"),
      release: stamp.release,
    };
  } catch {
    return null;
  }
}

/** Why the lab cannot run here, with the remedy, or null when it can. */
export function labProblem() {
  if (process.arch !== "x64") return `needs an x86-64 machine: this one is ${process.arch}`;
  const missing = labTools.filter(({ binary }) => !inPath(binary));
  if (missing.length > 0) {
    const names = missing.map(({ binary }) => binary).join(" ");
    const packages = missing.map(({ debian }) => debian).join(" ");
    return `needs ${names}: apt-get install ${packages}`;
  }
  if (/\s/.test(root) || /\s/.test(cacheFolder)) {
    return `needs a path without spaces for the kernel's command line, not ${root}`;
  }
  if (builtImage() === null && !(inPath("apt-get") && inPath("dpkg"))) {
    return "needs Debian's kernel package: there is no apt-get to fetch it with";
  }
  return null;
}

/** Builds the image when it is missing; throws with what failed. */
export function buildImage({ fresh = false } = {}) {
  const found = fresh ? null : builtImage();
  if (found !== null) return found;
  const startedMs = Date.now();
  const folder = path.join(cacheFolder, `image.${process.pid}`);
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder, { recursive: true });
  try {
    const release = fetchKernel(folder);
    const count = packInitrd(folder, release);
    fs.copyFileSync(
      path.join(folder, "kernel/boot", `vmlinuz-${release}`),
      path.join(folder, "vmlinuz"),
    );
    for (const name of ["kernel", "initrd"]) {
      fs.rmSync(path.join(folder, name), { recursive: true });
    }
    const stamp = { recipe: recipe(), release, builtAt: new Date().toISOString() };
    fs.writeFileSync(path.join(folder, "stamp.json"), `${JSON.stringify(stamp)}\n`);
    fs.rmSync(imageFolder, { recursive: true, force: true });
    try {
      fs.renameSync(folder, imageFolder);
    } catch (error) {
      // Another build was quicker, and made the same.
      if (error.code !== "ENOTEMPTY" || builtImage() === null) throw error;
    }
    const seconds = Math.round((Date.now() - startedMs) / 1000);
    say(`Linux ${release} with ${count} modules, built in ${seconds} s`);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
  return builtImage();
}

/** Changes whenever the image would. */
function recipe() {
  const hash = createHash("sha256");
  for (const name of ["build.mjs", "guest-init"])
    hash.update(fs.readFileSync(path.join(here, name)));
  return hash.digest("hex").slice(0, 16);
}

/** Unpacks the kernel that linux-image-amd64 stands for into `folder`/kernel; its release. */
function fetchKernel(folder) {
  let name = kernelPackage();
  if (name === null) {
    say("apt-get update, for the package lists are empty");
    execFileSync("apt-get", ["-q", "update"], { stdio: ["ignore", 2, 2] });
    name = kernelPackage();
  }
  if (name === null) throw new Error("apt offers no linux-image-amd64: is this Debian?");
  say(`fetching ${name}`);
  // Its note that it does not drop privileges in this folder is no news; failures are.
  execFileSync("apt-get", ["-q", "-o", "APT::Sandbox::User=", "download", name], {
    cwd: folder,
    stdio: ["ignore", "ignore", 2],
  });
  const archive = fs.readdirSync(folder).find((file) => file.endsWith(".deb"));
  if (archive === undefined) throw new Error(`apt-get download left no ${name}_*.deb`);
  const kernel = path.join(folder, "kernel");
  execFileSync("dpkg", ["-x", path.join(folder, archive), kernel]);
  fs.rmSync(path.join(folder, archive));
  const release = fs.readdirSync(path.join(kernel, "lib/modules"))[0];
  if (release === undefined) throw new Error(`${name} has no modules`);
  execFileSync(tool("depmod"), ["-b", kernel, release]);
  return release;
}

function kernelPackage() {
  const listed = execFileSync("apt-cache", ["depends", "linux-image-amd64"], { encoding: "utf8" });
  return /Depends: (linux-image-\d\S+)/.exec(listed)?.[1] ?? null;
}

/** How many modules it holds. */
function packInitrd(folder, release) {
  const initrd = path.join(folder, "initrd");
  for (const name of ["bin", "modules"]) fs.mkdirSync(path.join(initrd, name), { recursive: true });
  const files = new Set();
  for (const module of modules) {
    const show = ["-d", path.join(folder, "kernel"), "-S", release, "--show-depends", module];
    const listed = execFileSync(tool("modprobe"), show, { encoding: "utf8" });
    for (const [, file] of listed.matchAll(/^insmod (\S+)/gm)) files.add(file);
  }
  for (const file of files) {
    fs.copyFileSync(file, path.join(initrd, "modules", path.basename(file)));
  }
  const order = [...files].map((file) => `${path.basename(file)}\n`).join("");
  fs.writeFileSync(path.join(initrd, "modules/order"), order);
  fs.copyFileSync(tool("busybox"), path.join(initrd, "bin/busybox"));
  fs.copyFileSync(path.join(here, "guest-init"), path.join(initrd, "init"));
  for (const name of ["bin/busybox", "init"]) fs.chmodSync(path.join(initrd, name), 0o755);
  const pack = "find . | cpio -o -H newc --quiet | gzip -1 > ../initrd.gz";
  execFileSync("sh", ["-c", pack], { cwd: initrd, stdio: ["ignore", 2, 2] });
  return files.size;
}

function tool(binary) {
  const found = inPath(binary);
  if (found === null) throw new Error(`${binary} is not installed`);
  return found;
}

/** Users other than root often lack the sbin folders, where `modprobe` lives. */
function inPath(binary) {
  const folders = `${process.env.PATH ?? ""}:/usr/sbin:/sbin`.split(":");
  for (const folder of folders) {
    const file = path.join(folder, binary);
    try {
      fs.accessSync(file, fs.constants.X_OK);
      if (folder !== "") return file;
    } catch {
      // Not in this folder.
    }
  }
  return null;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const problem = labProblem();
  if (problem === null) {
    const { release } = buildImage({ fresh: process.argv.includes("--fresh") });
    say(`Linux ${release} is in ${imageFolder}`);
  } else {
    say(problem);
    process.exitCode = 1;
  }
}

/** The unit under systemd itself: its words, its exposure, and its life in a booted container. */

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "../..");
const unit = readFileSync(join(root, "infra/systemd/meshmend.service"), "utf8");
const undo: (() => void)[] = [];
afterAll(() => {
  for (const each of undo.splice(0).reverse()) each();
});

function run(program: string, ...words: string[]) {
  return spawnSync(program, words, { encoding: "utf8", timeout: 30_000 });
}

const has = (program: string): boolean => run(program, "--version").error === undefined;

/** The unit in a folder of its own, starting something that is there. */
function unitFile(): string {
  const folder = mkdtempSync(join(tmpdir(), "meshmend-unit-"));
  undo.push(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "meshmend.service");
  writeFileSync(path, unit.replace("/usr/bin/meshmend", join(root, "bin/meshmend")));
  return path;
}

describe("the unit", () => {
  it("is understood by systemd, without a warning", (ctx) => {
    ctx.skip(!has("systemd-analyze"), "needs systemd-analyze");
    const { status, stdout, stderr } = run("systemd-analyze", "verify", unitFile());
    expect({ status, told: stdout + stderr }).toEqual({ status: 0, told: "" });
  });

  it("is exposed by 2.5 of 10 at most", (ctx) => {
    ctx.skip(!has("systemd-analyze"), "needs systemd-analyze");
    // The threshold is in tenths; above it the exit code is not 0.
    const words = ["security", "--offline=true", "--no-pager", "--threshold=25", unitFile()];
    const { status, stdout } = run("systemd-analyze", ...words);
    expect(stdout).toContain("Overall exposure level");
    expect(status, stdout).toBe(0);
  });
});

/**
 * Timings for a test, and before the start, inside the same sandbox, what a repair and a probe
 * do; everything else is the unit as it is shipped.
 */
const dropIn = `[Service]
WatchdogSec=4
RestartSec=1
ExecStartPre=ip link set dev lo down
ExecStartPre=ip link set dev lo up
ExecStartPre=ping -n -c 1 127.0.0.1
`;

/** Runs inside the container and writes down what it sees, a `name=value` a line. */
const script = `#!/bin/bash
exec >/var/lib/probe.out 2>/var/lib/probe.err
property() { systemctl show meshmend --property="$1" --value; }
# until <seconds> <command...>
until_true() { local left=$(($1 * 4)); shift; until "$@"; do ((left-- > 0)) || return 1; sleep 0.25; done; }
active() { [ "$(property ActiveState)" = active ]; }
restarted() { [ "$(property NRestarts)" -ge 1 ] && active; }
failed() { [ "$(property ActiveState)" = failed ]; }
finish() { journalctl -u meshmend -o cat > /var/lib/probe.log; echo done=yes; systemctl poweroff --force; exit; }
until_true 30 active || finish
echo "active=$(systemctl is-active meshmend)"
main=$(property MainPID)
echo "user=$(stat -c %U /proc/$main)"
echo "capabilities=$(sed -n 's/^CapEff:\\t//p' /proc/$main/status)"
echo "filter=$(sed -n 's/^Seccomp:\\t//p' /proc/$main/status)"
echo "health=$(/usr/bin/meshmend status --json | tr -d ' \\n')"
echo "files=$(ls /var/lib/meshmend | tr '\\n' ' ')"
# Longer than the watchdog: a daemon that beats is left alone.
sleep 6; echo "restartsWhileWell=$(property NRestarts)"
echo "statusText=$(property StatusText)"
kill -STOP $main
until_true 30 restarted; echo "restartsAfterStop=$(property NRestarts)"
echo "newMain=$([ "$(property MainPID)" != "$main" ] && echo yes)"
systemctl stop meshmend
echo "stopped=$(property Result) $(property ExecMainStatus)"
echo 'mode: acct' > /etc/meshmend/meshmend.yaml
systemctl start meshmend; until_true 20 failed; sleep 3
echo "wrong=$(property ActiveState) $(property ExecMainStatus) $(journalctl -u meshmend -o cat | grep -c 'meshmend.yaml:1:7')"
finish
`;

const probeUnit = `[Unit]
After=meshmend.service basic.target
[Service]
Type=oneshot
ExecStart=/usr/local/bin/probe
`;

const target = `[Unit]
Requires=basic.target
Wants=meshmend.service probe.service
After=basic.target
AllowIsolate=yes
`;

function mount(...words: string[]): boolean {
  const mounted = run("mount", ...words).status === 0;
  const place = words.at(-1);
  if (mounted && place !== undefined) undo.push(() => run("umount", "--lazy", place));
  return mounted;
}

/** This machine's files under a layer that is thrown away; null where that cannot be had. */
function throwAwayRoot(): string | null {
  const folder = mkdtempSync(join(tmpdir(), "meshmend-boot-"));
  undo.push(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
  const layer = join(folder, "layer");
  const place = join(folder, "root");
  for (const each of [layer, place]) mkdirSync(each);
  if (!mount("-t", "tmpfs", "-o", "size=256m,mode=755", "tmpfs", layer)) return null;
  for (const each of ["upper", "work"]) mkdirSync(join(layer, each));
  const layers = `lowerdir=/,upperdir=${layer}/upper,workdir=${layer}/work`;
  return mount("-t", "overlay", "-o", layers, "overlay", place) ? place : null;
}

function install(place: string): void {
  const write = (path: string, text: string, mode = 0o644): void => {
    rmSync(join(place, path), { force: true });
    mkdirSync(join(place, path, ".."), { recursive: true });
    writeFileSync(join(place, path), text, { mode });
  };
  const units = "etc/systemd/system";
  write(`${units}/meshmend.service`, unit);
  write(`${units}/meshmend.service.d/test.conf`, dropIn);
  write(`${units}/probe.service`, probeUnit);
  write(`${units}/probe.target`, target);
  write("usr/local/bin/probe", script, 0o755);
  write("etc/machine-id", "");
  mkdirSync(join(place, "opt/meshmend"), { recursive: true });
  rmSync(join(place, "usr/bin/meshmend"), { force: true });
  symlinkSync("/opt/meshmend/bin/meshmend", join(place, "usr/bin/meshmend"));
}

function boot(place: string): ChildProcess {
  const child = spawn(
    "systemd-nspawn",
    [
      "--quiet",
      "--register=no",
      "--keep-unit",
      "--private-network",
      "--console=pipe",
      `--machine=meshmend-${process.pid}`,
      `--directory=${place}`,
      `--bind-ro=${root}:/opt/meshmend`,
      "--boot",
      "systemd.unit=probe.target",
    ],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  undo.push(() => child.kill("SIGKILL"));
  return child;
}

describe("under a booted systemd", () => {
  it("it gets ready, is watched, restarted, stopped, and refuses a wrong configuration", async (ctx) => {
    ctx.skip(process.getuid?.() !== 0, "needs root: to mount and to boot a container");
    ctx.skip(!has("systemd-nspawn"), "needs systemd-nspawn (package systemd-container)");
    const place = throwAwayRoot();
    if (place === null) return ctx.skip("needs overlay mounts");
    install(place);
    const container = boot(place);
    let console = "";
    for (const stream of [container.stdout, container.stderr]) {
      stream?.on("data", (chunk) => {
        console = (console + String(chunk)).slice(-4_000);
      });
    }
    const output = join(place, "var/lib/probe.out");
    for (let second = 0; second < 110 && container.exitCode === null; second++) await wait(1_000);
    const booted = existsSync(output);
    ctx.skip(
      !booted,
      `needs a machine on which systemd boots in a container: ${console.slice(-300)}`,
    );
    const seen = Object.fromEntries(
      readFileSync(output, "utf8")
        .split("\n")
        .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
    );
    const log = join(place, "var/lib/probe.log");
    const context = `${JSON.stringify(seen, null, 1)}\n${existsSync(log) ? readFileSync(log, "utf8") : console}`;
    expect(seen, context).toMatchObject({
      active: "active",
      user: "meshmend",
      capabilities: "0000000000003000",
      filter: "2",
      restartsWhileWell: "0",
      restartsAfterStop: "1",
      newMain: "yes",
      stopped: "success 0",
      wrong: "failed 2 1",
      done: "yes",
    });
    expect(seen["statusText"], context).toMatch(/beat \d+/);
    expect(JSON.parse(seen["health"] ?? "")).toMatchObject({ health: { mode: "observe" } });
    expect(seen["files"]).not.toBe("");
  }, 150_000);
});

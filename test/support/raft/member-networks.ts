/** A network namespace for each member, joined by a bridge; each can be cut off or badly connected. */

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { closeSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A link that loses and delays what it carries, each way by itself. */
export interface BadLink {
  readonly lossPercent: number;
  readonly delayMs: number;
}

export class MemberNetworks {
  readonly addresses: readonly string[];
  readonly #names: readonly string[];
  readonly #hub: string;
  #link: { readonly process: ChildProcess; readonly folder: string } | null = null;

  constructor(count: number) {
    const run = randomBytes(3).toString("hex");
    this.#hub = `mm${run}hub`;
    this.#names = Array.from({ length: count }, (_, i) => `mm${run}n${i}`);
    this.addresses = this.#names.map((_, i) => `10.77.0.${i + 1}:8482`);
    ip("netns", "add", this.#hub);
    ip("-n", this.#hub, "link", "add", "br0", "type", "bridge");
    ip("-n", this.#hub, "link", "set", "br0", "up");
    for (const [i, name] of this.#names.entries()) {
      ip("netns", "add", name);
      const ends = ["type", "veth", "peer", "name", "eth0", "netns", name];
      ip("link", "add", `v${i}`, "netns", this.#hub, ...ends);
      ip("-n", this.#hub, "link", "set", `v${i}`, "master", "br0", "up");
      ip("-n", name, "addr", "add", `10.77.0.${i + 1}/24`, "dev", "eth0");
      ip("-n", name, "link", "set", "eth0", "up");
      ip("-n", name, "link", "set", "lo", "up");
    }
  }

  wrapper(index: number): readonly string[] {
    return ["ip", "netns", "exec", this.#names[index] ?? ""];
  }

  /** What this member sends or receives is lost, or both. */
  cut(index: number, ways: readonly ("input" | "output")[]): void {
    const chains = ways.map((hook) => {
      const rule = `type filter hook ${hook} priority 0; policy accept; meta l4proto tcp drop;`;
      return `chain ${hook} { ${rule} }\n`;
    });
    this.#nft(index, `table inet cut {\n${chains.join("")}}`);
  }

  heal(index: number): void {
    this.#nft(index, "table inet cut {}\ndelete table inet cut");
  }

  /** Replaces this member's link by a bad one; before its process runs. */
  async worsen(index: number, { lossPercent, delayMs }: BadLink): Promise<void> {
    const name = this.#names[index] ?? "";
    const folder = mkdtempSync(join(tmpdir(), "meshmend-link-"));
    const tool = join(folder, "bad-link");
    execFileSync("cc", ["-O2", "-o", tool, join(import.meta.dirname, "bad-link.c")]);
    ip("-n", name, "link", "del", "eth0");
    const port = `v${index}`;
    const words = [name, this.#hub, port, lossPercent, delayMs, index].map(String);
    const process = spawn(tool, words, { stdio: ["pipe", "pipe", "inherit"] });
    this.#link = { process, folder };
    await new Promise<void>((resolve, reject) => {
      process.once("error", reject);
      process.once("exit", () => reject(new Error("the bad link did not come up")));
      process.stdout?.once("data", () => resolve());
    });
    ip("-n", this.#hub, "link", "set", port, "master", "br0", "up");
    ip("-n", name, "addr", "add", `10.77.0.${index + 1}/24`, "dev", "eth0");
    ip("-n", name, "link", "set", "eth0", "up");
  }

  close(): void {
    if (this.#link !== null) {
      this.#link.process.stdin?.end();
      rmSync(this.#link.folder, { recursive: true, force: true });
    }
    for (const name of [...this.#names, this.#hub]) ip("netns", "del", name);
  }

  #nft(index: number, rules: string): void {
    const words = ["netns", "exec", this.#names[index] ?? "", "nft", "-f", "-"];
    execFileSync("ip", words, { input: `${rules}\n`, stdio: ["pipe", "pipe", "pipe"] });
  }
}

function ip(...words: readonly string[]): void {
  execFileSync("ip", [...words], { stdio: "pipe" });
}

/** Null when a link can be made bad here, else why not. */
export function badLinkProblem(): string | null {
  const problem = memberNetworksProblem();
  if (problem !== null) return problem;
  try {
    execFileSync("cc", ["--version"], { stdio: "pipe" });
    closeSync(openSync("/dev/net/tun", "r+"));
    return null;
  } catch (thrown) {
    return `needs a C compiler and /dev/net/tun: ${String(thrown).split("\n").join(" ")}`;
  }
}

/** Null when it can be done here, else why not, for `ctx.skip`. */
export function memberNetworksProblem(): string | null {
  if (process.getuid?.() !== 0) return "needs root: it makes network namespaces";
  try {
    execFileSync("nft", ["--version"], { stdio: "pipe" });
    new MemberNetworks(1).close();
    return null;
  } catch (thrown) {
    return `needs namespaces and nftables: ${String(thrown).split("\n").join(" ")}`;
  }
}

/** A network namespace for each member, joined by a bridge; each can be cut off by nftables. */

import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";

export class MemberNetworks {
  readonly addresses: readonly string[];
  readonly #names: readonly string[];
  readonly #hub: string;

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

  close(): void {
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

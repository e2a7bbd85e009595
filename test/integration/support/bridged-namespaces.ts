/** Network namespaces of a test's own, joined by one bridge: each has an interface `mesh0` on it. */

import { type NetworkNamespace, openNetworkNamespace } from "./network-namespace.ts";

export interface BridgedNamespaces {
  readonly nodes: readonly NetworkNamespace[];
  close(): Promise<void>;
}

/** Node `i` has 10.77.0.(i+1)/24, and a link-local IPv6 address at once. */
export async function openBridgedNamespaces(count: number): Promise<BridgedNamespaces> {
  const opened: NetworkNamespace[] = [];
  const close = async () => {
    for (const each of opened) await each.close();
  };
  try {
    const wire = await openNetworkNamespace();
    opened.push(wire);
    wire.exec("ip", "link", "add", "wire", "type", "bridge", "mcast_snooping", "0");
    wire.exec("ip", "link", "set", "wire", "up");
    const nodes: NetworkNamespace[] = [];
    for (let i = 0; i < count; i++) {
      const node = await openNetworkNamespace();
      opened.push(node);
      nodes.push(node);
      const port = `port${i}`;
      const ends = ["type", "veth", "peer", "name", port, "netns", wire.name];
      node.exec("ip", "link", "set", "lo", "up");
      node.exec("ip", "link", "add", "mesh0", ...ends);
      node.exec("sysctl", "--quiet", "--write", "net.ipv6.conf.mesh0.accept_dad=0");
      wire.exec("ip", "link", "set", port, "master", "wire", "up");
      node.exec("ip", "address", "add", `10.77.0.${i + 1}/24`, "dev", "mesh0");
      node.exec("ip", "link", "set", "mesh0", "up");
    }
    return { nodes, close };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}

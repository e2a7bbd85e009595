/** The shell that makes a topology of namespaces, wires and batman-adv, and netem's arguments. */

import {
  hardAddress,
  hardInterface,
  type LinkQuality,
  peersOf,
  type RoutingAlgorithm,
  softAddress,
  type Topology,
} from "./topology.ts";

/** batman-adv adds up to 32 bytes to a frame; without room for them it would fragment. */
const hardMtuBytes = 1_560;

/** Makes all of it, and leaves nothing of an earlier mesh. Linux namespaces, root. */
export function buildScript(topology: Topology, algorithm: RoutingAlgorithm): string {
  const lines = ["ip -all netns delete", "ip link set lo up"];
  for (const { name } of topology.nodes) {
    lines.push(`ip netns add ${name}`, `ip -n ${name} link set lo up`);
  }
  for (const { between } of topology.links) {
    const [one, other] = between;
    const end = (node: string, peer: string) =>
      `${hardInterface(peer)} netns ${node} mtu ${hardMtuBytes} ` +
      `address ${hardAddress(topology, node, peer)}`;
    lines.push(`ip link add ${end(one, other)} type veth peer name ${end(other, one)}`);
  }
  for (const node of topology.nodes) {
    const { name } = node;
    // One process a node, which reads its commands, is several times quicker than one a command.
    const commands = [
      `link add bat0 address ${softAddress(topology, name)} type batadv ra ${algorithm}`,
      ...peersOf(topology, name).flatMap((peer) => [
        // IPv6 would put frames of its own on the wires.
        `link set ${hardInterface(peer)} addrgenmode none`,
        `link set ${hardInterface(peer)} master bat0 up`,
      ]),
      "link set bat0 addrgenmode none up",
      `address add ${node.address}/24 dev bat0`,
    ];
    lines.push(`ip -n ${name} -batch - <<'END'`, ...commands, "END");
    // It holds broadcasts back, and so ARP, for half a minute after a bat0 was made; and no bat0
    // here stands in a bridge, which is where it would be needed.
    lines.push(`ip netns exec ${name} batctl meshif bat0 bridge_loop_avoidance 0`);
    if (node.gateway !== "off") {
      lines.push(`ip netns exec ${name} batctl meshif bat0 gw_mode ${node.gateway}`);
    }
    for (const peer of peersOf(topology, name)) {
      const link = topology.links.find(
        ({ between }) => between.includes(name) && between.includes(peer),
      );
      if (link !== undefined && !isPerfect(link.quality)) {
        lines.push(netemCommand(name, peer, link.quality));
      }
    }
  }
  return `${lines.join("\n")}\n`;
}

/** Waits until each node reaches each other, twice in a row. Ends with 1 when it does not. */
export function settleScript(topology: Topology, withinSeconds: number): string {
  const pairs = topology.nodes.flatMap((one, index) =>
    topology.nodes.slice(index + 1).map((other) => `${one.name}:${other.address}`),
  );
  return `
good=0
while [ $good -lt 2 ]; do
  if [ $SECONDS -ge ${withinSeconds} ]; then echo "no answer: $missing"; exit 1; fi
  missing=
  for pair in ${pairs.join(" ")}; do
    ip netns exec "\${pair%%:*}" ping -n -q -c 1 -W 1 "\${pair#*:}" >/dev/null || missing=$pair
    [ -z "$missing" ] || break
  done
  if [ -z "$missing" ]; then good=$((good + 1)); else good=0; fi
done
echo $SECONDS
`;
}

export function isPerfect({ lossRatio, delayMs, rateKbit }: LinkQuality): boolean {
  return lossRatio === 0 && delayMs === 0 && rateKbit === null;
}

/** Sets what leaves `node` towards `peer`. Begins anew, since netem keeps a rate it is not told. */
export function netemCommand(node: string, peer: string, quality: LinkQuality): string {
  const { lossRatio, delayMs, rateKbit } = quality;
  const root = `qdisc replace dev ${hardInterface(peer)} root`;
  const parts = [
    ...(lossRatio > 0 ? [`loss ${lossRatio * 100}%`] : []),
    ...(delayMs > 0 ? [`delay ${delayMs}ms`] : []),
    ...(rateKbit === null ? [] : [`rate ${rateKbit}kbit`]),
  ];
  const commands = [`${root} noqueue`];
  if (parts.length > 0) commands.push(`${root} netem ${parts.join(" ")}`);
  return [`tc -n ${node} -batch - <<'END'`, ...commands, "END"].join("\n");
}

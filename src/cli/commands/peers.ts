/** `meshmend peers`: which other nodes run meshmend, by which way they were found, and whose seeds are silent. */

import { type PeersAnswer, peersShape } from "../answers.ts";
import { columns } from "../columns.ts";
import { type DaemonOptions, findDaemon } from "../daemon-address.ts";
import { type ExitCode, exitCode } from "../exit-code.ts";
import { complainOf, printable, type Terminal } from "../terminal.ts";
import { span } from "../words.ts";

export interface PeersOptions extends DaemonOptions {
  readonly json?: boolean;
}

export async function peers(terminal: Terminal, options: PeersOptions): Promise<ExitCode> {
  const daemon = await findDaemon(terminal, options);
  if (!daemon.ok) return complainOf(terminal, daemon.fault);
  const answer = await daemon.value.get("/api/v1/mesh/peers", peersShape);
  if (!answer.ok) return complainOf(terminal, answer.fault);
  const asJson = () => `${JSON.stringify(answer.value, null, 2)}\n`;
  terminal.write(options.json === true ? asJson() : peersScreen(terminal, answer.value));
  return exitCode.ok;
}

function peersScreen(terminal: Terminal, answer: PeersAnswer): string {
  const { self, peers: found, seeds, mdnsInterface } = answer;
  const on = mdnsInterface === null ? "mDNS is not spoken" : `mDNS on ${mdnsInterface}`;
  const originator = self.originator === null ? "" : ` (${self.originator})`;
  const name = terminal.paint("bold", printable(`${self.nodeId}${originator}`));
  const count = found.length === 1 ? "1 peer" : `${found.length} peers`;
  const silent = seeds.filter(({ state }) => state === "silent");
  return [
    `${name}: ${count}; ${printable(on)}\n`,
    ...(found.length === 0 ? [] : ["\n", peerTable(terminal, found)]),
    ...silent.map(({ host, port, detail }) => {
      const why = printable(`${host} port ${port}: ${detail ?? "?"}`);
      return `\n${terminal.paint("yellow", "silent seed")}  ${why}\n`;
    }),
  ].join("");
}

function peerTable(terminal: Terminal, found: PeersAnswer["peers"]): string {
  const rows = found.map((peer) => [
    printable(peer.nodeId),
    printable(peer.originator ?? "-"),
    inMeshWords(terminal, peer),
    printable(peer.sources.join(", ")),
    printable(peer.addresses.map(({ address }) => address).join(", ")),
    printable(peer.version ?? "?"),
    `${span(peer.lastSeenMs)} ago`,
  ]);
  const head = ["node", "originator", "in the mesh", "found by", "address", "version", "seen"];
  return columns(terminal, head, rows);
}

function inMeshWords(terminal: Terminal, peer: PeersAnswer["peers"][number]): string {
  if (peer.contested) return terminal.paint("red", "two claim it");
  if (peer.inOriginatorTable === null) return "?";
  return peer.inOriginatorTable ? terminal.paint("green", "yes") : terminal.paint("yellow", "no");
}

/** `meshmend member`: the group of nodes that agree with each other, asked of any of them. */

import { readHostPort } from "../../config/notation.ts";
import { type ClusterAnswer, clusterShape } from "../answers.ts";
import { columns } from "../columns.ts";
import { type DaemonOptions, findDaemon } from "../daemon-address.ts";
import type { DaemonClient } from "../daemon-client.ts";
import { type ExitCode, exitCode } from "../exit-code.ts";
import { cliFault, complainOf, printable, type Terminal } from "../terminal.ts";

export interface MemberOptions extends DaemonOptions {
  readonly json?: boolean;
}

const path = "/api/v1/cluster/members";
const pathOf = (id: string) => `${path}/${encodeURIComponent(id)}`;

type Asked = (daemon: DaemonClient) => ReturnType<DaemonClient["get"]>;

export const listMembers = (terminal: Terminal, options: MemberOptions): Promise<ExitCode> =>
  ask(terminal, options, (daemon) => daemon.get(path, clusterShape));

export const addMember = (
  terminal: Terminal,
  id: string,
  address: string,
  options: MemberOptions & { readonly learner?: boolean },
): Promise<ExitCode> => {
  const at = readHostPort(address);
  if (at === null || at.port === 0) {
    const expected = "expected HOST:PORT or [IPV6]:PORT with a port from 1";
    const message = `address: ${expected}; seen ${JSON.stringify(address)}`;
    return Promise.resolve(complainOf(terminal, cliFault(exitCode.usage, "E_USAGE", message)));
  }
  const body = { id, address, promote: options.learner !== true };
  return ask(terminal, options, (daemon) => daemon.post(path, body, clusterShape));
};

export const removeMember = (
  terminal: Terminal,
  id: string,
  options: MemberOptions,
): Promise<ExitCode> => ask(terminal, options, (daemon) => daemon.delete(pathOf(id), clusterShape));

export const promoteMember = (
  terminal: Terminal,
  id: string,
  options: MemberOptions,
): Promise<ExitCode> =>
  ask(terminal, options, (daemon) => daemon.post(`${pathOf(id)}/promotion`, {}, clusterShape));

export const transferLeadership = (
  terminal: Terminal,
  target: string | null,
  options: MemberOptions,
): Promise<ExitCode> => {
  const leadership = "/api/v1/cluster/leadership";
  return ask(terminal, options, (daemon) => daemon.post(leadership, { target }, clusterShape));
};

/** Every answer is the group as it is now. */
async function ask(terminal: Terminal, options: MemberOptions, asked: Asked): Promise<ExitCode> {
  const daemon = await findDaemon(terminal, options);
  if (!daemon.ok) return complainOf(terminal, daemon.fault);
  const answer = await asked(daemon.value);
  if (!answer.ok) return complainOf(terminal, answer.fault);
  const cluster = answer.value as ClusterAnswer;
  if (options.json === true) terminal.write(`${JSON.stringify(cluster, null, 2)}\n`);
  else terminal.write(draw(terminal, cluster));
  return exitCode.ok;
}

function draw(terminal: Terminal, cluster: ClusterAnswer): string {
  const { phase, reason, clusterId, members, term, commitIndex, appliedIndex } = cluster;
  if (phase !== "running") return `${printable(`${phase}: ${reason ?? "asks for admission"}`)}\n`;
  const rows = members.map((member) => {
    const role = member.promote ? `${member.role}, to be promoted` : member.role;
    const contact = member.inContact === null ? "" : member.inContact ? "yes" : "no";
    return [
      printable(member.id) + (member.self ? " (here)" : ""),
      printable(member.address),
      printable(role),
      member.leader ? terminal.paint("green", "leads") : "",
      member.inContact === false ? terminal.paint("red", contact) : contact,
      member.lagEntries === null ? "" : String(member.lagEntries),
    ];
  });
  const head = ["member", "peer address", "role", "", "in contact", "entries behind"];
  const plain = cluster.insecure ? "\npeers speak plaintext beyond this machine" : "";
  const about = `cluster ${clusterId ?? "?"}, term ${term}, commit ${commitIndex}, applied ${appliedIndex}`;
  return `${columns(terminal, head, rows)}${printable(about)}${plain}\n`;
}

/**
 * Writes docs/error-codes.md: the codes of the HTTP face from its own table, those of the other
 * areas from here. A test holds the page equal, and searches the sources for codes it lacks.
 */

import { type ErrorEntry, errorTable } from "../src/api/http/error-table.ts";
import type { ConfigFaultCode } from "../src/config/config-fault.ts";
import type { KvFaultCode } from "../src/kvstore/index.ts";
import type { RefusalCode } from "../src/mape-k/decision.ts";
import type { ActuatorFaultCode } from "../src/mape-k/execute/actuator.ts";
import type { ApplyFault } from "../src/mesh/batman/index.ts";

interface Area {
  readonly title: string;
  /** Where its codes are met. */
  readonly where: string;
  readonly codes: Readonly<Record<string, string>>;
}

const refusals: Readonly<Record<RefusalCode, string>> = {
  E_COOL_DOWN:
    "The subject was repaired lately. The wait begins at `repair.coolDown` and doubles with each repair within the hour.",
  E_BUDGET_SPENT: "As many repairs as `repair.budgetPerHour` allows were made within the hour.",
  E_REPAIR_UNDER_WAY:
    "Another repair is applied, verified or undone, or waits for a person: one at a time.",
  E_LAST_PATH:
    "It would take down the last interface that works, or one over which alone somebody is reached.",
  E_NO_CAPABILITY:
    "This machine cannot carry it out: CAP_NET_ADMIN or the tool is missing; see `meshmend doctor`.",
  E_JOURNAL_UNAVAILABLE:
    "The crash journal cannot be written, and nothing disruptive is begun without it; see `/health`.",
  E_CONFIRMATION_DENIED: "A person said no.",
  E_CONFIRMATION_EXPIRED:
    "Nobody answered within `repair.confirm`, the symptom went away before, or the process ended.",
};

const actions: Readonly<Record<Exclude<ActuatorFaultCode, "E_NO_CAPABILITY">, string>> = {
  E_NOT_PERMITTED: "The kernel refused: CAP_NET_ADMIN is missing.",
  E_NO_SUCH_SUBJECT:
    "What the action is about does not exist (any more). Over HTTP: no series is kept of it.",
  E_ACTION_TIMEOUT: "It did not end in time, or the daemon was stopped in the middle of it.",
  E_SUPERSEDED:
    "A setting that was to be restored has been changed by somebody else since: it was left alone.",
  E_ACTION_FAILED: "It was refused, or the kernel does not show its effect; the message says why.",
};

const batman: Readonly<
  Record<Exclude<ApplyFault["code"], "E_NOT_PERMITTED" | "E_NO_COMMAND">, string>
> = {
  E_BATMAN_NOT_LOADED: "The kernel has no batman-adv, or it is not loaded: `modprobe batman-adv`.",
  E_NO_SUCH_MESH: "There is no batman-adv interface of this name; see `mesh.interface`.",
  E_NO_SUCH_INTERFACE: "The interface does not exist, or is no part of the mesh.",
  E_INVALID_SETTING: "batman-adv does not take this value, or would take another one for it.",
  E_BATMAN_MALFORMED: "The answer is not what batman-adv or batctl writes; please report it.",
  E_BATMAN_TABLE_TOO_LARGE: "A table has more rows than any mesh; nothing was read.",
  E_BATMAN_TIMEOUT: "It did not answer in time.",
  E_BATMAN_FAILED: "It refused for a reason of its own; the message gives it.",
  E_SETTING_NOT_TAKEN: "It took the setting, but has another value when read back.",
  E_SETTING_SUPERSEDED: "Somebody else has changed the setting since; it was left alone.",
};

const configuration: Readonly<Record<ConfigFaultCode, string>> = {
  E_CONFIG_SYNTAX:
    "The file is not YAML, or uses a part of YAML that configuration has no need of.",
  E_CONFIG_UNKNOWN: "No option has this name.",
  E_CONFIG_VALUE: "The value does not fit its option.",
  E_CONFIG_CONFLICT: "Each value fits, but not together with another one.",
  E_CONFIG_LIMIT: "The file is too large or too deep, or has more faults than are listed.",
  E_CONFIG_FILE: "The file cannot be read.",
};

const keyValue: Readonly<Record<KvFaultCode, string>> = {
  E_KEY_EMPTY: "A key has no bytes.",
  E_KEY_NOT_FOUND: "A put is to keep the value or the lease of a key that does not exist.",
  E_KEY_DUPLICATE: "A transaction puts a key twice, or puts one that it deletes.",
  E_VALUE_PROVIDED: "A put is to keep the value and brings one.",
  E_LEASE_PROVIDED: "A put is to keep the lease and brings one.",
  E_LEASE_NOT_FOUND: "There is no such lease (any more).",
  E_LEASE_EXISTS: "There is a lease of this id already.",
  E_LEASE_TTL: "A lease lasts from 1 to 9,000,000,000 seconds.",
  E_LEASE_RENEWED: "A new leader renewed the lease after its expiry was decided.",
  E_COMPACTED: "The revision is compacted away.",
  E_FUTURE_REVISION: "The store has not reached the revision yet.",
  E_TOO_MANY_OPERATIONS: "A transaction has more than 128 operations or compares.",
  E_REQUEST_TOO_LARGE: "A command has more than 1.6 MB.",
  E_COMMAND_UNREADABLE: "A command in the log is not in a format that this version reads.",
  E_NO_SPACE: "The quota is reached: compact, then disarm the alarm; or raise the quota.",
  E_STORE_CORRUPT: "An alarm says that copies of the store differ; nothing is answered.",
};

const areas: readonly Area[] = [
  {
    title: "Why a plan is refused",
    where: "In a decision's `admission`; in the log beside `plan refused`.",
    codes: refusals,
  },
  {
    title: "Why an action fails",
    where: "Behind a verdict `not-applied` or `undo-failed`, whose reason gives the message.",
    codes: {
      ...actions,
      E_NO_COMMAND: "There is no such program that this process may run.",
      E_COMMAND_ABORTED: "The program was stopped before it had ended.",
      E_COMMAND_FAILED: "The program could not be started.",
    },
  },
  {
    title: "What is kept on disk",
    where: "At the start as the reason why there is none, later in the log; `/health` says it too.",
    codes: {
      E_DATA_DIR_NOT_EMPTY: "A snapshot is restored only where there is no group's data.",
      E_DATA_DIR_IN_USE: "Another meshmend uses the data directory (exit code 5).",
      E_STORAGE_OPEN: "The decision log cannot be opened.",
      E_STORAGE_READ: "The decision log, or one record of it, cannot be read.",
      E_STORAGE_WRITE: "A decision cannot be kept. It is tried again; repairs go on.",
      E_JOURNAL_OPEN: "The crash journal cannot be opened or made.",
      E_JOURNAL_READ: "The crash journal cannot be read; it is tried again.",
      E_JOURNAL_WRITE: "The crash journal cannot be written; the action is not begun.",
      E_JOURNAL_FULL: "The crash journal holds as many open actions as it can.",
    },
  },
  {
    title: "Why a sensor delivers nothing",
    where: "In an observation's `faults`, and as evidence of the symptom `sensor-failed`.",
    codes: {
      E_NOT_SUPPORTED: "This machine does not offer it. No symptom: it is only missing.",
      E_SENSOR_READ: "A file of the kernel cannot be read.",
      E_SENSOR_TIMEOUT: "It did not answer within the beat, or is still at its last sample.",
      E_SENSOR_FAILED: "A bug in the sensor; please report it.",
      E_MALFORMED: "What was read is not what the kernel writes; please report it.",
      E_TOO_MANY_FILES: "The process is out of file descriptors: raise LimitNOFILE.",
      E_TOO_MANY_INTERFACES: "More interfaces match `interfaces.include` than can be watched.",
      E_MESH_AMBIGUOUS: "There are several batman-adv interfaces; `mesh.interface` names none.",
      E_BAD_TARGET: "The address of a target is neither `tcp://host:port` nor `icmp://host`.",
    },
  },
  {
    title: "What batman-adv answers",
    where:
      "In an observation's `faults`, in `/health` under `batman`, and behind actions that fail.",
    codes: batman,
  },
  {
    title: "How other nodes are found",
    where: "In the log; `/health` says it under `discovery`.",
    codes: {
      E_MDNS_OPEN: "No multicast DNS socket could be opened on the interface; it is tried again.",
      E_MDNS_SEND: "A multicast DNS packet could not be sent; the next announcement is tried.",
    },
  },
  {
    title: "What is wrong in the configuration",
    where: "From `meshmend run` and `meshmend config check` (exit code 2).",
    codes: configuration,
  },
  {
    title: "What a command says",
    where: "In brackets at the end of its line; docs/exit-codes.md has what goes with it.",
    codes: {
      E_USAGE: "The command line is wrong.",
      E_DAEMON_UNREACHABLE: "No daemon answers at the address.",
      E_LOCK_LOST: "A lock's lease ran out, or its connection broke: another may hold it by now.",
      E_DAEMON_ANSWER: "What answers there is no meshmend, or one of another version.",
    },
  },
  {
    title: "Kernel programs (XDP, tracepoints)",
    where: "In the health of what watches by them, with `--mesh-interface`.",
    codes: {
      E_PROGRAM_REFUSED: "The verifier refused the program; its log is in the message.",
      E_XDP_OCCUPIED: "A program that is not ours is attached; it is named, and stays.",
      E_NO_SUCH_INTERFACE: "The interface does not exist (any more).",
      E_TABLE_FULL: "The list is as long as the map in the kernel allows.",
      E_INVALID_ADDRESS: "It is no MAC address.",
      E_NOT_RUNNING: "The programs are not loaded.",
      E_KERNEL_REFUSED: "The kernel refused the call; the message has its errno.",
    },
  },
  {
    title: "Agreement (Raft)",
    where:
      "From `/api/v1/cluster` and whoever writes or reads; in the log. Each says that nothing was done, but `E_OUTCOME_UNKNOWN`.",
    codes: {
      E_NOT_LEADER: "Only the leader can take this; the fault names it where it is known.",
      E_NO_LEADER: "No leader is known: an election is under way, or this side has no majority.",
      E_LEADERSHIP_LOST: "The leader changed before it could confirm the read.",
      E_READ_TIMEOUT: "The leader did not confirm the read in time.",
      E_OVERLOADED: "Too much waits to be agreed on or read; ask again in a moment.",
      E_DISK_FULL: "The leader's disk has no room.",
      E_CHANGE_PENDING: "An earlier membership change, or the new leader's first entry, is open.",
      E_MEMBER_EXISTS: "The member to be added is there already.",
      E_NO_SUCH_MEMBER: "The group has no such member in that role.",
      E_LAST_VOTER: "The change would leave the group without a voter.",
      E_QUORUM_AT_RISK: "Too many members of the new configuration do not answer.",
      E_NO_SUCCESSOR: "No other voter is fit to lead.",
      E_TRANSFER_IN_PROGRESS: "Leadership is being handed over.",
      E_RAFT_OPTIONS: "The options cannot work together; the message names each.",
      E_FOLDER_LOCKED: "Another process uses the folder, or asked for it at the same moment.",
      E_FOLDER_LOCK: "The folder cannot be locked; the message says why.",
      E_IDENTITY_DAMAGED: "The file that names node and cluster is damaged, or of another version.",
      E_IDENTITY_READ: "The file that names node and cluster cannot be read.",
      E_IDENTITY_WRITE: "The file that names node and cluster cannot be made durable.",
      E_LOG_DAMAGED:
        "The newest segment's header is damaged: term and vote are not known. The node comes back under a new id.",
      E_LOG_MISSING:
        "There is no log where one was. A node that lost its disk comes back under a new id.",
      E_LOG_FOREIGN: "The log belongs to another node or another cluster.",
      E_LOG_VERSION: "The log was written by a version with another format.",
      E_LOG_FULL: "There is no room to begin or to repair the log.",
      E_LOG_READ: "The log cannot be read; the message says why.",
      E_SNAPSHOT_READ: "The snapshots cannot be read; the message says why.",
      E_SNAPSHOT_WRITE: "A snapshot was not written. The one before stays.",
      E_SNAPSHOT_DAMAGED: "A saved snapshot is not whole, or not one of a meshmend store.",
      E_SNAPSHOT_ABORTED: "A snapshot was given up because the node stops.",
      E_SNAPSHOT_OUTDATED: "A newer snapshot came from the leader meanwhile.",
      E_LOG_BEHIND_SNAPSHOT: "The log does not reach the snapshot it should follow.",
      E_LOG_BEHIND_STATE: "The state machine is ahead of its log.",
      E_LOG_LOST: "What the leader says was acknowledged is not in this node's log.",
      E_OUTCOME_UNKNOWN:
        "No majority confirmed it in time, or its leader fell: it may or may not have been done. Look before you try again.",
      E_TRANSFER_FAILED: "Nobody took leadership over in time; the old leader goes on.",
      E_CANCELLED: "Whoever asked has gone; nothing was done.",
      E_NOT_STARTED: "The node has not started yet.",
      E_NODE_STOPPING: "The node is stopping; ask another one.",
    },
  },
  {
    title: "A node and its group",
    where: "At the start, in `/health` under `consensus`, and from `meshmend cluster recover`.",
    codes: {
      E_GROUP_UNAVAILABLE: "This node takes no part in its group; `/health` says why.",
      E_REMOVED:
        "The group has removed this node (exit code 6). To take it in anew: remove `raft/` from its data directory and start it with `--join`.",
      E_NODE_ID_CHANGED: "The data is that of a member with another node id (exit code 2).",
      E_PEER_REQUIRED:
        "The group has other members, and this node has no `cluster.peer` (exit code 2).",
      E_JOIN_REQUIRED:
        "Its admission was not finished, and no member is named that could be asked.",
      E_ADMISSION_ABORTED: "The node was stopped before it was admitted.",
      E_NOT_A_MEMBER: "The data directory holds no member's data.",
      E_LOG_FAILED:
        "A write to the log failed, and what reached the disk is not known: the process ends, and recovers at its next start.",
      E_STATE_MACHINE_FAILED: "What is agreed on could not be applied or restored on this node.",
    },
  },
  {
    title: "Between peers",
    where: "In the log of both nodes, and as the state of a peer's connection.",
    codes: {
      E_PEER_ADDRESS: "It is no address of a peer: host:port, brackets around IPv6.",
      E_PEER_CLOSED: "The peer closed the connection: it stops, or has a newer one.",
      E_PEER_CREDENTIALS: "The certificate, its key or the authority's cannot be read or used.",
      E_PEER_FAILED: "The peer met a bug of its own while it answered; its log has more.",
      E_PEER_FRAME_TOO_LARGE: "The peer refused a frame by its size: the two nodes' limits differ.",
      E_PEER_INSECURE: "Plaintext between peers would leave this machine, and nobody allowed it.",
      E_PEER_LISTEN: "The peer port cannot be opened.",
      E_PEER_MALFORMED: "What arrived is no message of this protocol, or one Raft never sends.",
      E_PEER_STOPPED: "This node closed the connection.",
      E_PEER_TIMEOUT: "The other side did not shake hands in time.",
      E_PEER_UNREACHABLE: "The connection could not be made, or broke. It is tried again.",
      E_PEER_UNTRUSTED: "A certificate is of another authority, has expired, or is missing.",
      E_PEER_WRONG_CLUSTER: "The two nodes are of different clusters.",
      E_PEER_WRONG_NODE: "Another node is at this address, or has this certificate.",
      E_PEER_WRONG_VERSION: "The two nodes speak different versions of the protocol.",
      E_OUTCOME_UNKNOWN:
        "The leader's answer got lost: the proposal may have been applied, or not.",
      E_PROPOSAL_TOO_LARGE: "The proposal is larger than one call to the leader may be.",
    },
  },
  {
    title: "The agreed map",
    where: "In answers of the store, over gRPC in the words of etcd.",
    codes: {
      ...keyValue,
      E_STORE_DAMAGED: "What is stored is not whole: remove it, it is built again from the others.",
    },
  },
  {
    title: "Clients of the agreed map",
    where: "In answers over gRPC, where etcd's API has no words of its own, and in the log.",
    codes: {
      E_CLIENT_CLOSED: "The client's connection is over; nothing was sent.",
      E_CLIENT_REFUSED: "The server refused, in the words of etcd's API.",
      E_CLIENT_UNREACHABLE: "Nobody answers at the address.",
      E_DEFRAGMENT: "The store could not be defragmented; it serves as before.",
      E_MEMBER_ADD: "Members are not added beforehand: a node asks for it when it starts.",
      E_MEMBER_NOT_FOUND: "No member has this id.",
      E_MEMBER_NOT_LEARNER: "The member is a voter already.",
      E_MEMBER_UPDATE: "A member's address is what it says itself when it starts.",
      E_NOT_SERVED: "This call of etcd's API has no meaning here.",
      E_TRANSFER_TARGET: "Leadership can be handed to a member alone.",
    },
  },
  {
    title: "Telemetry",
    where: "In the log.",
    codes: {
      E_TRACE_EXPORT: "The collector did not take the traces; they are counted and dropped.",
    },
  },
];

const opening = `# Error codes

A code, once given out, keeps its meaning: programs may match on it. This page is generated from
\`src/api/http/error-table.ts\` and \`scripts/error-reference.ts\`; to write it anew:
\`node_modules/.bin/node scripts/write-references.ts\`.

## HTTP answers

Every refusal is a problem document (RFC 9457, \`application/problem+json\`) with one of these as its
\`code\`.
`;

type Cells = readonly (string | number | null)[];

const table = (head: Cells, rows: readonly Cells[]): string => {
  const line = (cells: Cells): string => `| ${cells.join(" | ")} |\n`;
  return `\n${line(head)}|${"---|".repeat(head.length)}\n${rows.map(line).join("")}`;
};

export function errorReference(): string {
  const entries = Object.entries<ErrorEntry>(errorTable);
  const rowsOf = (atStart: boolean): Cells[] =>
    entries
      .filter(([, { status }]) => (status === null) === atStart)
      .map(([code, { status, title, meaning }]) => {
        const cells = [`\`${code}\``, `${title}. ${meaning}`];
        return atStart ? cells : [status, ...cells];
      });
  const sections = areas.map(({ title, where, codes }) => {
    const rows = Object.entries(codes).map(([code, meaning]) => [`\`${code}\``, meaning]);
    return `\n## ${title}\n\n${where}\n${table(["code", "meaning"], rows)}`;
  });
  return [
    opening,
    table(["status", "code", "meaning"], rowsOf(false)),
    "\n## Why the HTTP server does not start\n",
    table(["code", "meaning"], rowsOf(true)),
    ...sections,
  ].join("");
}

/**
 * One multicast DNS socket (RFC 6762) on one interface and one address family. It is bound to the
 * multicast address itself, so that it takes no unicast from another responder on this machine, and
 * for IPv6 to the interface too, by the zone of that address.
 */

import type multicastDns from "multicast-dns";
import { type Fault, failed, fault, messageOf, ok, type Result } from "../../base/index.ts";
import type { ForeignQuestion, ForeignRecord, ServiceRecord } from "../service-records.ts";
import { type LinkAddress, onLinkFilter } from "./link-addresses.ts";

export interface MdnsPacket {
  readonly kind: "query" | "response";
  readonly questions: readonly ForeignQuestion[];
  readonly answers: readonly ForeignRecord[];
  /** What a probe wants to have. */
  readonly authorities: readonly ForeignRecord[];
  readonly additionals: readonly ForeignRecord[];
  /** The sender's address, with its zone where it is link-local. */
  readonly from: string;
}

export interface MdnsFace {
  readonly address: LinkAddress;
  query(questions: readonly ForeignQuestion[], wanted: readonly ServiceRecord[]): Promise<void>;
  respond(answers: readonly ServiceRecord[]): Promise<void>;
  close(): Promise<void>;
}

export interface MdnsListener {
  onPacket(packet: MdnsPacket): void;
  /** Not DNS, from off the link, or not from the port of mDNS. */
  onRefused(reason: "malformed" | "off_link"): void;
  /** A packet could not be sent, or the socket complains. */
  onTrouble(fault: Fault<"E_MDNS_SEND">): void;
}

export type OpenMdnsFace = (
  on: string,
  address: LinkAddress,
  listener: MdnsListener,
) => Promise<Result<MdnsFace, Fault<"E_MDNS_OPEN">>>;

const mdnsPort = 5353;
const sendTimeoutMs = 500;

export const openMdnsFace: OpenMdnsFace = async (on, address, listener) => {
  const isOnLink = onLinkFilter(address);
  // A node that stays on loopback does without its memory.
  const { default: createMdns } = await import("multicast-dns");
  const mdns = createMdns(
    address.family === 4
      ? { type: "udp4", interface: address.address, bind: "224.0.0.251", ip: "224.0.0.251" }
      : { type: "udp6", interface: `::%${on}`, bind: `ff02::fb%${on}`, ip: "ff02::fb" },
  );
  const bound = await new Promise<Error | null>((resolve) => {
    mdns.once("ready", () => resolve(null));
    mdns.on("error", resolve);
  });
  if (bound !== null) {
    await closed(mdns);
    return failed(fault("E_MDNS_OPEN", `no multicast DNS on ${on}: ${bound.message}`));
  }
  const troubled = (why: Error) =>
    listener.onTrouble(fault("E_MDNS_SEND", `multicast DNS on ${on}: ${why.message}`));
  mdns.on("error", troubled);
  // What the library warns of is a system call that failed, or a packet that cannot be decoded.
  mdns.on("warning", (why) => ("syscall" in why ? troubled(why) : listener.onRefused("malformed")));
  mdns.on(
    "packet",
    (packet: multicastDns.FullPacket, sender: { address: string; port: number }) => {
      if (sender.port !== mdnsPort || !isOnLink(sender.address)) {
        listener.onRefused("off_link");
        return;
      }
      listener.onPacket({
        kind: packet.type === "response" ? "response" : "query",
        questions: packet.questions ?? [],
        answers: packet.answers as readonly ForeignRecord[],
        authorities: packet.authorities as readonly ForeignRecord[],
        additionals: packet.additionals as readonly ForeignRecord[],
        from: sender.address,
      });
    },
  );
  const sent = (send: (done: (error: Error | null) => void) => void): Promise<void> =>
    new Promise((resolve) => {
      // A socket that is being closed never calls back.
      const timer = setTimeout(resolve, sendTimeoutMs);
      send((error) => {
        clearTimeout(timer);
        if (error) troubled(error);
        resolve();
      });
    });
  return ok({
    address,
    query: (questions, wanted) =>
      sent((done) =>
        mdns.query({ questions: [...questions], authorities: [...wanted] } as never, done),
      ),
    respond: (answers) => sent((done) => mdns.respond({ answers: [...answers] } as never, done)),
    close: () => closed(mdns),
  });
};

function closed(mdns: multicastDns.MulticastDNS): Promise<void> {
  return new Promise((resolve) => {
    try {
      mdns.destroy(resolve);
    } catch (thrown) {
      // A socket that never came up is not running, and that is all that was wanted.
      void messageOf(thrown);
      resolve();
    }
  });
}

/**
 * Says over multicast DNS that this node is here, and hears who else is: probing, announcing, answering
 * and goodbye as RFC 6762 sections 8 and 10 have them. Each node announces itself anew at a third of
 * what its records live, so nobody has to ask; a mesh floods every multicast frame.
 */

import type { Clock, Fault, Health, Logger, Random } from "../../base/index.ts";
import { healthy } from "../../base/index.ts";
import type { PeerClaim } from "../peer-roster.ts";
import {
  asksFor,
  asksForServices,
  claimsInstance,
  instanceLabel,
  instanceName,
  readAnnouncements,
  type ServiceRecord,
  serviceListRecord,
  serviceName,
  serviceRecords,
} from "../service-records.ts";
import type { LinkAddresses } from "./link-addresses.ts";
import type { MdnsFace, MdnsListener, MdnsPacket, OpenMdnsFace } from "./mdns-face.ts";

export interface MdnsDiscoveryParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly open: OpenMdnsFace;
  /** The interface to speak on; null: none now. Asked again and again. */
  readonly on: () => string | null;
  readonly addresses: (on: string) => LinkAddresses | null;
  /** What this node says of itself, now. */
  readonly self: () => PeerClaim;
  readonly onSeen: (claim: PeerClaim, address: string, lifetimeMs: number) => void;
  readonly onGoodbye: (nodeId: string, address: string) => void;
}

export interface MdnsDiscoveryOptions {
  readonly announceIntervalMs: number;
}

export interface MdnsRefused {
  readonly malformed: number;
  readonly off_link: number;
}

const lookEveryMs = 1_000;
const probes = 3;
const probeGapMs = 250;
const maxNames = 9;
/** RFC 6762 section 6: a record is multicast at most once a second. */
const leastAnswerGapMs = 1_000;
const firstQuestionsMs = [0, 1_000, 3_000];
/** Records live for so many announcements. */
const announcementsPerLife = 3;

export class MdnsDiscovery {
  readonly #parts: MdnsDiscoveryParts;
  readonly #options: MdnsDiscoveryOptions;
  readonly #stopping = new AbortController();
  readonly #refused = { malformed: 0, off_link: 0 };
  #running: Promise<void> = Promise.resolve();
  #faces: readonly MdnsFace[] = [];
  #link = "";
  #on: string | null = null;
  #attempt = 1;
  #state: "closed" | "probing" | "announced" = "closed";
  #isContested = false;
  #questionsAtMs: readonly number[] = [];
  #answerIsDue = false;
  #announced: { readonly text: string; readonly atMs: number } | null = null;
  /** Why it does not speak on all it should. */
  #openFault: Fault | null = null;
  /** Why the last packets did not go out. */
  #sendFault: Fault | null = null;
  #namesake: { readonly address: string; readonly atMs: number } | null = null;

  constructor(parts: MdnsDiscoveryParts, options: MdnsDiscoveryOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Says goodbye; what could not be sent expires at the others. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    await this.#close();
  }

  get refused(): MdnsRefused {
    return { ...this.#refused };
  }

  /** The interface it speaks on now. */
  get interface(): string | null {
    return this.#state === "closed" ? null : this.#on;
  }

  health(): Health {
    const on = this.#on;
    if (this.#namesake !== null && this.#isFresh(this.#namesake.atMs)) {
      return {
        state: "degraded",
        reason: `${this.#namesake.address} goes by this node's name, ${this.#parts.self().nodeId}`,
        remedy: "give each node a nodeId of its own",
      };
    }
    if (on === null) return healthy("mDNS: no mesh interface to speak on");
    const fault = this.#openFault ?? this.#sendFault;
    if (fault !== null) return { state: "degraded", reason: fault.message };
    if (this.#state === "closed") {
      return { state: "degraded", reason: `mDNS: ${on} is down, or has no address` };
    }
    return healthy(`mDNS on ${on}`);
  }

  #isFresh(atMs: number): boolean {
    return this.#parts.clock.monotonicMs() - atMs < this.#lifetimeMs;
  }

  get #lifetimeMs(): number {
    return announcementsPerLife * this.#options.announceIntervalMs;
  }

  async #run(): Promise<void> {
    const { clock } = this.#parts;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await this.#follow();
      if (this.#state === "announced") await this.#ask();
      if (this.#state === "announced" && this.#shouldAnnounce()) await this.#announce();
      await clock.sleep(lookEveryMs, signal);
    }
  }

  /** Closes what is no longer there, opens what is: interfaces of a mesh come and go. */
  async #follow(): Promise<void> {
    const { on: wanted, addresses, open } = this.#parts;
    this.#on = wanted();
    const link = this.#on === null ? null : addresses(this.#on);
    const text = link === null ? "" : JSON.stringify(link);
    if (text === this.#link && (link === null || this.#faces.length > 0)) return;
    await this.#close();
    this.#link = text;
    if (link === null) return;
    const faces: MdnsFace[] = [];
    this.#openFault = null;
    for (const address of link.addresses) {
      const opened = await open(link.interface, address, this.#listener());
      if (opened.ok) faces.push(opened.value);
      else this.#openFault = opened.fault;
    }
    this.#faces = faces;
    if (faces.length > 0) await this.#introduce();
  }

  #listener(): MdnsListener {
    return {
      onPacket: (packet) => this.#take(packet),
      onRefused: (reason) => {
        this.#refused[reason]++;
      },
      onTrouble: (trouble) => {
        if (this.#sendFault === null)
          this.#parts.logger.warn(trouble.message, { code: trouble.code });
        this.#sendFault = trouble;
      },
    };
  }

  /** RFC 6762 section 8.1: is the name free? If so it is ours. */
  async #introduce(): Promise<void> {
    const { clock, random } = this.#parts;
    const { signal } = this.#stopping;
    this.#state = "probing";
    await clock.sleep(random.uint32() % probeGapMs, signal);
    for (this.#attempt = 1; this.#attempt <= maxNames; this.#attempt++) {
      this.#isContested = false;
      for (let probe = 0; probe < probes && !this.#isContested && !signal.aborted; probe++) {
        const name = instanceName(this.#label);
        await this.#each((face) =>
          face.query([{ name, type: "ANY" }], this.#records(face).slice(1)),
        );
        await clock.sleep(probeGapMs, signal);
      }
      if (!this.#isContested) break;
    }
    if (signal.aborted) return;
    this.#state = "announced";
    this.#questionsAtMs = firstQuestionsMs.map((afterMs) => clock.monotonicMs() + afterMs);
  }

  /** Who is there? Asked in the beginning only; the first two times it says that it is here itself. */
  async #ask(): Promise<void> {
    const [dueMs] = this.#questionsAtMs;
    if (dueMs === undefined || this.#parts.clock.monotonicMs() < dueMs) return;
    this.#questionsAtMs = this.#questionsAtMs.slice(1);
    if (this.#questionsAtMs.length > 0) await this.#announce();
    await this.#each((face) => face.query([{ name: serviceName, type: "PTR" }], []));
  }

  get #label(): string {
    return instanceLabel(this.#parts.self().nodeId, this.#attempt);
  }

  #records(face: MdnsFace, lifetimeMs = this.#lifetimeMs): readonly ServiceRecord[] {
    return serviceRecords({
      label: this.#label,
      claim: this.#parts.self(),
      addresses: [face.address],
      ttlSeconds: Math.ceil(lifetimeMs / 1_000),
    });
  }

  async #each(send: (face: MdnsFace) => Promise<void>): Promise<void> {
    await Promise.all(this.#faces.map(send));
  }

  #shouldAnnounce(): boolean {
    if (this.#announced === null) return true;
    const { text, atMs } = this.#announced;
    const ageMs = this.#parts.clock.monotonicMs() - atMs;
    return ageMs >= this.#options.announceIntervalMs || text !== JSON.stringify(this.#parts.self());
  }

  async #announce(): Promise<void> {
    const { clock, self } = this.#parts;
    this.#announced = { text: JSON.stringify(self()), atMs: clock.monotonicMs() };
    this.#sendFault = null;
    await this.#each((face) => face.respond(this.#records(face)));
  }

  #take({ kind, questions, answers, authorities, additionals, from }: MdnsPacket): void {
    if (this.#isOwn(from)) return;
    if (kind === "query") {
      if (this.#state === "probing") {
        if (claimsInstance(authorities, this.#label) && this.#yieldsTo(from)) {
          this.#isContested = true;
        }
      } else if (asksFor(questions, this.#label)) void this.#answer([]);
      else if (asksForServices(questions)) void this.#answer([serviceListRecord(4_500)]);
      return;
    }
    const records = [...answers, ...additionals];
    if (this.#state === "probing" && claimsInstance(records, this.#label)) this.#isContested = true;
    const { announcements, malformed } = readAnnouncements(records);
    this.#refused.malformed += malformed;
    for (const { claim, ttlSeconds } of announcements) this.#hear(claim, from, ttlSeconds);
  }

  #hear(claim: PeerClaim, from: string, ttlSeconds: number): void {
    const { clock, self, onSeen, onGoodbye } = this.#parts;
    if (claim.nodeId === self().nodeId) {
      this.#namesake = { address: from, atMs: clock.monotonicMs() };
    } else if (ttlSeconds === 0) onGoodbye(claim.nodeId, from);
    else onSeen(claim, from, ttlSeconds * 1_000);
  }

  /** Two want the same name at once: who has the higher IPv6 address, or else IPv4, keeps it. */
  #yieldsTo(from: string): boolean {
    const [best] = this.#faces.toSorted((one, other) => other.address.family - one.address.family);
    const isOfFamily = (best?.address.family === 6) === from.includes(":");
    return best !== undefined && isOfFamily && from > best.address.address;
  }

  /** Multicast comes back to its sender. */
  #isOwn(from: string): boolean {
    const plain = from.split("%")[0];
    return this.#faces.some(({ address }) => address.address === plain);
  }

  /** One answer waits at most, however many ask: all of them hear it. */
  async #answer(further: readonly ServiceRecord[]): Promise<void> {
    const { clock, random } = this.#parts;
    const { signal } = this.#stopping;
    if (this.#answerIsDue) return;
    this.#answerIsDue = true;
    const sinceMs = clock.monotonicMs() - (this.#announced?.atMs ?? Number.NEGATIVE_INFINITY);
    const delayMs = Math.max(20 + (random.uint32() % 100), leastAnswerGapMs - sinceMs);
    await clock.sleep(delayMs, signal);
    this.#answerIsDue = false;
    if (signal.aborted || this.#state !== "announced") return;
    await this.#announce();
    if (further.length > 0) await this.#each((face) => face.respond(further));
  }

  async #close(): Promise<void> {
    if (this.#state === "announced") {
      await this.#each((face) => face.respond(this.#records(face, 0)));
    }
    this.#state = "closed";
    this.#announced = null;
    const faces = this.#faces;
    this.#faces = [];
    await Promise.all(faces.map((face) => face.close()));
  }
}

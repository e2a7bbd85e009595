/**
 * What the addon of native/ offers, as types: the border between JavaScript and the kernel. Only
 * plain data crosses it, without defaults. An argument of the wrong shape throws; whatever
 * the kernel refuses is a `NativeError`. native/src has one file per group of functions.
 */

/** The kernel's refusal, in its own words. */
export interface NativeError {
  /** Positive, as in errno(3). */
  readonly errno: number;
  /** `EPERM`, `EBUSY`, ... */
  readonly name: string;
  /** The addon's function. */
  readonly operation: string;
  /** strerror(3). */
  readonly message: string;
  /** What libbpf, the verifier (in full) or netlink said besides; may be empty. */
  readonly log: string;
  /** After EPERM or EACCES: the capabilities the operation takes and this process lacks. */
  readonly missingCapabilities: readonly string[];
}

export type NativeResult<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly error: NativeError };

declare const handle: unique symbol;
/** A kernel resource; given back by its function, or when it is collected. */
type Handle<Kind extends string> = { readonly [handle]: Kind };
/** A loaded BPF object; `close` gives it back. */
export type ObjectHandle = Handle<"object">;
/** An attachment; `detach` ends it, and so does the end of the process. */
export type LinkHandle = Handle<"link">;
/** A file descriptor on the event loop; `closePoll` ends it. It keeps the process running. */
export type PollHandle = Handle<"poll">;

export interface LoadedMap {
  readonly name: string;
  /** `enum bpf_map_type`. */
  readonly type: number;
  readonly keyBytes: number;
  /** Of one CPU; of per-CPU maps the values of all are summed as arrays of u64. */
  readonly valueBytes: number;
  readonly maxEntries: number;
}

export interface LoadedProgram {
  readonly name: string;
  /** The kernel's id of it, as bpftool prints. */
  readonly id: number;
  readonly jitedBytes: number;
  /** What the verifier had to look at; its limit is a million. */
  readonly verifiedInstructions: number;
}

export interface LoadedObject {
  readonly object: ObjectHandle;
  readonly maps: readonly LoadedMap[];
  readonly programs: readonly LoadedProgram[];
}

/** Keys and values of a map, one after the other, in the kernel's byte order. */
export interface MapTable {
  readonly count: number;
  readonly keys: Uint8Array;
  readonly values: Uint8Array;
}

export type XdpMode = "native" | "generic";

/** Ids of the XDP programs on an interface, 0 for none. */
export interface AttachedXdp {
  readonly nativeProgram: number;
  readonly genericProgram: number;
  readonly offloadedProgram: number;
}

export interface ProgramInfo {
  readonly id: number;
  /** `enum bpf_prog_type`. */
  readonly type: number;
  /** At most 15 characters. */
  readonly name: string;
  /** Hash of the instructions, 16 hexadecimal digits. */
  readonly tag: string;
  /** CLOCK_BOOTTIME. */
  readonly loadedNs: number;
  readonly uid: number;
}

export interface TestRun {
  /** One byte per frame: `enum xdp_action`. */
  readonly verdicts: Uint8Array;
  readonly meanNs: number;
}

/** A link of rtnetlink. */
export interface NetworkLink {
  /** From an RTM_DELLINK event. */
  readonly removed: boolean;
  readonly index: number;
  readonly name: string;
  /** `IFF_*`. */
  readonly flags: number;
  /** `aa:bb:cc:dd:ee:ff`, or empty where it has none of six bytes. */
  readonly address: string;
  /** `veth`, `batadv`, `bridge`...; empty for hardware. */
  readonly kind: string;
  /** Index of the bridge or mesh interface it belongs to, or 0. */
  readonly masterIndex: number;
  /** Of the device it is made on (a VLAN's, a macvlan's, a VXLAN's), or a veth's far end; or 0. */
  readonly lowerIndex: number;
  /** RFC 2863, as `IF_OPER_*`. */
  readonly operState: number;
  readonly mtuBytes: number;
  readonly carrierChanges: number;
  readonly rxPackets: number;
  readonly txPackets: number;
  readonly rxBytes: number;
  readonly txBytes: number;
  readonly rxErrors: number;
  readonly txErrors: number;
  readonly rxDrops: number;
  readonly txDrops: number;
}

export interface NetworkAddress {
  readonly removed: boolean;
  /** Of its link. */
  readonly index: number;
  readonly prefixBits: number;
  /** `RT_SCOPE_*`. */
  readonly scope: number;
  /** 4 or 16. */
  readonly bytes: Uint8Array;
}

export interface RouteMessages {
  readonly links: readonly NetworkLink[];
  readonly addresses: readonly NetworkAddress[];
}

/** Objects, programs and what they are attached to. */
export interface NativePrograms {
  /** Several BPF objects into one, with libbpf's static linker. */
  linkObjects(inputs: readonly string[], output: string): Promise<NativeResult<undefined>>;
  /** Has the kernel verify the named programs of an object file, on a pool thread. */
  load(path: string, programs: readonly string[]): Promise<NativeResult<LoadedObject>>;
  close(object: ObjectHandle): undefined;
  /** EBUSY when any XDP program is there already: it replaces none. */
  attachXdp(
    object: ObjectHandle,
    program: string,
    ifindex: number,
    mode: XdpMode,
  ): NativeResult<LinkHandle>;
  /** To the tracepoint or function that the program's section names. */
  attachTracing(object: ObjectHandle, program: string): NativeResult<LinkHandle>;
  attachCgroup(object: ObjectHandle, program: string, path: string): NativeResult<LinkHandle>;
  detach(link: LinkHandle): undefined;
  queryXdp(ifindex: number): NativeResult<AttachedXdp>;
  programInfo(id: number): NativeResult<ProgramInfo>;
  /** Ids of the links that hold a program; none, and attached: by plain netlink. */
  linksOf(programId: number): NativeResult<readonly number[]>;
  /** Removes a netlink attachment if it is that very program. */
  removeXdp(ifindex: number, mode: XdpMode, programId: number): NativeResult<undefined>;
  /** Detaches a link that somebody else holds or has pinned. */
  breakLink(id: number): NativeResult<undefined>;
  /**
   * `frames`: each a u32 of its length in the kernel's byte order, then its bytes. With `repeat` above
   * 1, a signal breaks off the run (EINTR) after an unknown number of turns.
   */
  testRun(
    object: ObjectHandle,
    program: string,
    frames: Uint8Array,
    ifindex: number,
    repeat: number,
  ): NativeResult<TestRun>;
}

export interface NativeMaps {
  mapGet(object: ObjectHandle, map: string, key: Uint8Array): NativeResult<Uint8Array | null>;
  /** Per-CPU maps get the value for every CPU. */
  mapPut(
    object: ObjectHandle,
    map: string,
    key: Uint8Array,
    value: Uint8Array,
  ): NativeResult<undefined>;
  /** Whether it was there. */
  mapDelete(object: ObjectHandle, map: string, key: Uint8Array): NativeResult<boolean>;
  /** All entries. One that is being written may be caught between two of its fields. */
  mapRead(object: ObjectHandle, map: string): NativeResult<MapTable>;
  /**
   * Records in batches, one call per wake-up: a run of u32 length, four bytes, the record, padding
   * to 8. `oversized` counts records above 4 KiB, which are left out.
   */
  ringOpen(
    object: ObjectHandle,
    map: string,
    onRecords: (batch: Uint8Array, oversized: number) => void,
  ): NativeResult<PollHandle>;
  closePoll(poll: PollHandle): undefined;
}

/** Questions to the kernel, answered by trying. */
export interface NativeProbes {
  /** `enum bpf_prog_type`. */
  probeProgramType(type: number): NativeResult<boolean>;
  /** `enum bpf_map_type`. */
  probeMapType(type: number): NativeResult<boolean>;
  /** `enum bpf_func_id`, in programs of a type. */
  probeHelper(programType: number, helper: number): NativeResult<boolean>;
  /** Names and numbers of an enum in the kernel's BTF. */
  enumNames(name: string): NativeResult<Readonly<Record<string, number>>>;
}

export interface NativeNetlink {
  /**
   * One request, all its replies one after the other. The message begins with a nlmsghdr, whose
   * length, sequence and port the addon fills in. A dump that was interrupted is repeated.
   */
  netlinkRequest(protocol: number, message: Uint8Array): Promise<NativeResult<Uint8Array>>;
  /**
   * A request to batman-adv's generic netlink family (linux/batman_adv.h) with a run of attributes
   * (nlattr: u16 length with its four bytes of header, u16 type, value, padding to 4), and its
   * replies: for each a u32 of its length, its attributes, padding to 4. All in host byte order.
   * ENOENT of operation `batadvFamily`: batman-adv is not loaded.
   */
  batadvRequest(
    command: number,
    dump: boolean,
    attributes: Uint8Array,
  ): Promise<NativeResult<Uint8Array>>;
  /** `overrun`: the socket's buffer was full, so events were lost; dump to catch up. */
  netlinkSubscribe(
    protocol: number,
    groups: readonly number[],
    onMessages: (messages: Uint8Array, overrun: boolean) => void,
  ): NativeResult<PollHandle>;
  closePoll(poll: PollHandle): undefined;
  rtnlDump(what: "links" | "addresses"): Promise<NativeResult<RouteMessages>>;
  /**
   * Counters of every link, nine numbers each: index, packets received and sent, bytes, errors, and
   * drops, which are counted as in /proc/net/dev.
   */
  rtnlCounters(): Promise<NativeResult<Float64Array>>;
  /** Of messages that `netlinkSubscribe` delivered for NETLINK_ROUTE. */
  rtnlDecode(messages: Uint8Array): RouteMessages;
  /** `up` takes 0 or 1, `master` an index or 0 to release. */
  rtnlSetLink(
    ifindex: number,
    what: "up" | "mtu" | "master",
    value: number,
  ): Promise<NativeResult<RouteMessages>>;
}

export interface NativeServices {
  /** One datagram to a Unix socket, as sd_notify(3) sends; `@` begins an abstract address. */
  sendDatagram(path: string, text: string): NativeResult<undefined>;
}

export interface Native
  extends NativePrograms,
    NativeMaps,
    NativeProbes,
    NativeNetlink,
    NativeServices {}

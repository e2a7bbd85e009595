/**
 * The gRPC method that carries Raft, and how to call it. Frames stay bytes here: a decoder that
 * throws inside gRPC would end the stream without a reason either side could read.
 */

import {
  type ChannelCredentials,
  type ChannelOptions,
  Client,
  type ClientDuplexStream,
  type MethodDefinition,
  type ServerDuplexStream,
} from "@grpc/grpc-js";
import { formatPeerAddress, type PeerAddress } from "./peer-address.ts";

export type ExchangeCall = ClientDuplexStream<Buffer, Buffer>;
export type AcceptedExchange = ServerDuplexStream<Buffer, Buffer>;

const identity = (bytes: Buffer): Buffer => bytes;

const exchange: MethodDefinition<Buffer, Buffer> = {
  path: "/meshmend.peer.v1.PeerService/Exchange",
  requestStream: true,
  responseStream: true,
  requestSerialize: identity,
  requestDeserialize: identity,
  responseSerialize: identity,
  responseDeserialize: identity,
};

export const exchangeService = { exchange };

export interface ConnectionLimits {
  /** Frames beyond this are refused by their header, before memory is found for them. */
  readonly maxFrameBytes: number;
  /** A connection that is silent this long is asked whether it is alive (HTTP/2 PING) ... */
  readonly keepaliveMs: number;
  /** ... and given up when it does not answer within this. */
  readonly keepaliveTimeoutMs: number;
}

/** For both ends of a connection between peers. */
export function channelOptions(limits: ConnectionLimits): ChannelOptions {
  return {
    "grpc.max_receive_message_length": limits.maxFrameBytes,
    "grpc.max_send_message_length": limits.maxFrameBytes,
    "grpc.keepalive_time_ms": limits.keepaliveMs,
    "grpc.keepalive_timeout_ms": limits.keepaliveTimeoutMs,
    "grpc.keepalive_permit_without_calls": 1,
    // Peers are reached directly, whatever the environment says of proxies.
    "grpc.enable_http_proxy": 0,
    "grpc.service_config_disable_resolution": 1,
    // A retry would keep a copy of what was sent; Raft sends anew what got lost.
    "grpc.enable_retries": 0,
    // A connection for each lane: on a shared one a lost packet of the bulk holds up heartbeats.
    "grpc.use_local_subchannel_pool": 1,
    "grpc.enable_channelz": 0,
    // Certificates name nodes, not addresses; and an address is no lawful server name (RFC 6066).
    "grpc.ssl_target_name_override": "peer.meshmend",
  };
}

export interface OpenExchange {
  readonly call: ExchangeCall;
  /** Ends the stream and its connection at once. */
  close(): void;
}

/** A connection and a stream of its own; nothing is known of the other side yet. */
export function openExchange(
  address: PeerAddress,
  credentials: ChannelCredentials,
  limits: ConnectionLimits,
): OpenExchange {
  const client = new Client(
    `dns:${formatPeerAddress(address)}`,
    credentials,
    channelOptions(limits),
  );
  const { path, requestSerialize, responseDeserialize } = exchange;
  const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
  return {
    call,
    close() {
      call.cancel();
      client.close();
    },
  };
}

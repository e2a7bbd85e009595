import { connect, type Settings } from "node:http2";
import type { AddressInfo } from "node:net";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { expect, it } from "vitest";
import { type AcceptedExchange, exchangeService } from "../../../src/consensus/io/exchange-call.ts";
import {
  receiveWindowBytes,
  widenReceiveWindow,
} from "../../../src/consensus/io/receive-window.ts";

it("a peer that was let in may have a whole batch under way", async () => {
  const server = new Server();
  const widened = Promise.withResolvers<boolean>();
  server.addService(exchangeService, {
    exchange: (call: AcceptedExchange) => widened.resolve(widenReceiveWindow(call)),
  });
  const port = await new Promise<AddressInfo["port"]>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  const session = connect(`http://127.0.0.1:${port}`);
  try {
    const seen: Settings[] = [];
    session.on("remoteSettings", (settings) => seen.push(settings));
    session
      .request({
        ":method": "POST",
        ":path": exchangeService.exchange.path,
        "content-type": "application/grpc",
        te: "trailers",
      })
      .on("error", () => undefined);
    expect(await widened.promise).toBe(true);
    await expect.poll(() => seen.at(-1)?.initialWindowSize).toBe(receiveWindowBytes);
    // The first word came before anybody was let in.
    expect(seen[0]?.initialWindowSize ?? 65_535).toBe(65_535);
  } finally {
    session.destroy();
    server.forceShutdown();
  }
});

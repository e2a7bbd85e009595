import { describe, expect, it } from "vitest";
import type { NodeId } from "../../../../src/base/index.ts";
import { mismatchOf } from "../../../../src/consensus/io/peer-credentials.ts";

const node = "node-1" as NodeId;

describe("the node a certificate names", () => {
  it.each([
    "URI:spiffe://mesh.example/node/node-1",
    "URI:spiffe://mesh.example/site/7/node/node-1",
    "IP Address:10.0.0.1, URI:spiffe://mesh.example/node/node-1",
    "DNS:node-1",
    "DNS:other, DNS:node-1",
    'URI:"spiffe://mesh.example/node/node-1"',
  ])("is the one asked for: %s", (subjectaltname) => {
    expect(mismatchOf({ subjectaltname }, node)).toBeNull();
  });

  it.each([
    "",
    "DNS:node-10",
    "DNS:node-1.example.org",
    "IP Address:node-1",
    "email:node-1",
    "URI:https://mesh.example/node/node-1",
    "URI:spiffe://mesh.example/node-1",
    "URI:spiffe://node/node-1",
    "URI:spiffe://mesh.example/node/node-1/more",
    "URI:spiffe://mesh.example/node/other, DNS:node-1",
    // Node quotes a name with a comma, so that it cannot pass for two.
    'DNS:"x, DNS:node-1"',
    'DNS:"x\\", DNS:node-1, DNS:\\""',
    "Registered ID:1.2.3, othername:<unsupported>",
  ])("is another: %j", (subjectaltname) => {
    expect(mismatchOf({ subjectaltname }, node)).toMatchObject({ code: "E_PEER_WRONG_NODE" });
  });
});

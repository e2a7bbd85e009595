/**
 * What every port to batman-adv must do, as a list of claims. Those that change nothing run
 * over recordings too; all of them run inside the lab's machine, on a real bat0.
 */

import assert from "node:assert/strict";
import type { Fault, Result } from "../../src/base/index.ts";
import {
  applySetting,
  type BatmanPort,
  linkUsage,
  type Setting,
} from "../../src/mesh/batman/index.ts";

export interface ComplianceSetup {
  readonly port: BatmanPort;
  readonly mesh: string;
  /** A hard interface of the mesh with a neighbour behind it. */
  readonly hardInterface: string;
}

export interface Claim {
  readonly claim: string;
  /** Changes settings (and takes it back): only on a real mesh. */
  readonly changes: boolean;
  check(setup: ComplianceSetup): Promise<void>;
}

const never = new AbortController().signal;

function expectValue<Value>(result: Result<Value, Fault>): Value {
  if (result.ok) return result.value;
  return assert.fail(`${result.fault.code}: ${result.fault.message}`);
}

function assertFault(result: Result<unknown, Fault>, code: string): void {
  assert.equal(result.ok ? "a value" : result.fault.code, code);
}

const reading: readonly Claim[] = [
  {
    claim: "finds the mesh interface",
    changes: false,
    async check({ port, mesh }) {
      assert.ok(expectValue(await port.meshInterfaces(never)).includes(mesh));
    },
  },
  {
    claim: "reads settings and hard interfaces",
    changes: false,
    async check({ port, mesh, hardInterface }) {
      const { settings, hardInterfaces } = expectValue(await port.readState(mesh, never));
      assert.equal(settings.name, mesh);
      assert.match(settings.algorithm, /^BATMAN_(IV|V)$/);
      assert.notEqual(settings.originator, null);
      assert.ok(settings.originatorIntervalMs >= 40);
      const found = hardInterfaces.find(({ name }) => name === hardInterface);
      assert.equal(found?.active, true);
    },
  },
  {
    claim: "reads tables that agree with each other, in the units of the algorithm",
    changes: false,
    async check({ port, mesh }) {
      const tables = expectValue(await port.readTables(mesh, never));
      const isV = tables.settings.algorithm === "BATMAN_V";
      assert.ok(tables.neighbours.length > 0 && tables.paths.length > 0);
      for (const { quality } of tables.neighbours) assert.equal(quality !== null, isV);
      for (const { quality } of tables.paths) assert.ok(isV ? quality % 100 === 0 : quality <= 255);
      const names = tables.hardInterfaces.map(({ name }) => name);
      for (const path of tables.paths) assert.ok(names.includes(path.interface));
      const routed = tables.paths.filter(({ best }) => best).map(({ originator }) => originator);
      assert.equal(new Set(routed).size, routed.length, "one best path an originator");
      const usage = linkUsage(tables, Number.POSITIVE_INFINITY);
      const routes = usage.reduce((sum, link) => sum + link.routes, 0);
      assert.equal(routes, routed.length, "every route leads over a neighbour");
    },
  },
  {
    claim: "reads a gateway's quality in the unit of the paths",
    changes: false,
    async check({ port, mesh }) {
      const { gateways, paths } = expectValue(await port.readTables(mesh, never));
      for (const { originator, router, quality } of gateways) {
        const path = paths.find((one) => one.originator === originator && one.neighbour === router);
        if (path === undefined || path.quality === 0) continue;
        const ratio = quality / path.quality;
        assert.ok(ratio > 0.3 && ratio < 3, `gateway ${quality} beside path ${path.quality}`);
      }
    },
  },
  {
    claim: "reads the translation tables",
    changes: false,
    async check({ port, mesh }) {
      const { local, global } = expectValue(await port.readTranslations(mesh, never));
      const { settings } = expectValue(await port.readState(mesh, never));
      assert.ok(local.some(({ client }) => client === settings.address));
      assert.ok(global.length > 0 && global.every(({ vlan }) => vlan >= -1 && vlan <= 4094));
    },
  },
  {
    claim: "refuses a mesh interface that is not there",
    changes: false,
    async check({ port }) {
      assertFault(await port.readTables("nosuch0", never), "E_NO_SUCH_MESH");
      assertFault(await port.readState("lo", never), "E_NO_SUCH_MESH");
    },
  },
  {
    claim: "ends when it is told to",
    changes: false,
    async check({ port, mesh }) {
      assertFault(await port.readTables(mesh, AbortSignal.abort()), "E_BATMAN_TIMEOUT");
    },
  },
];

const changes = (hardInterface: string, isV: boolean): readonly Setting[] => [
  { kind: "throughput-override", interface: hardInterface, throughputKbps: 12_300 },
  { kind: "throughput-override", interface: hardInterface, throughputKbps: 100 },
  { kind: "interface-hop-penalty", interface: hardInterface, hopPenalty: 99 },
  { kind: "elp-interval", interface: hardInterface, intervalMs: 700 },
  { kind: "mesh-hop-penalty", hopPenalty: 41 },
  { kind: "originator-interval", intervalMs: 1_700 },
  { kind: "gateway-mode", gateway: { mode: "server", downKbps: 12_300, upKbps: 4_500 } },
  { kind: "gateway-mode", gateway: { mode: "client", selectionClass: isV ? 130 : 13 } },
  { kind: "gateway-mode", gateway: { mode: "off" } },
];

const writing: readonly Claim[] = [
  {
    claim: "applies every setting, reads it back, does it twice as once, and takes it back",
    changes: true,
    async check({ port, mesh, hardInterface }) {
      const { settings } = expectValue(await port.readState(mesh, never));
      for (const setting of changes(hardInterface, settings.algorithm === "BATMAN_V")) {
        const applied = expectValue(await applySetting(port, mesh, setting, never));
        const again = expectValue(await applySetting(port, mesh, setting, never));
        assert.deepEqual(again, { before: setting, changed: false });
        const undone = expectValue(await applySetting(port, mesh, applied.before, never, setting));
        assert.deepEqual(undone.before, setting);
      }
      const after = expectValue(await port.readState(mesh, never));
      assert.deepEqual(after.settings, settings);
    },
  },
  {
    claim: "takes an interface out of the mesh and back, and keeps the mesh interface",
    changes: true,
    async check({ port, mesh, hardInterface }) {
      const out: Setting = { kind: "membership", interface: hardInterface, member: false };
      const applied = expectValue(await applySetting(port, mesh, out, never));
      assert.deepEqual(applied.before, { ...out, member: true });
      const { hardInterfaces } = expectValue(await port.readState(mesh, never));
      assert.ok(hardInterfaces.every(({ name }) => name !== hardInterface));
      assert.equal(expectValue(await applySetting(port, mesh, out, never)).changed, false);
      assert.equal(
        expectValue(await applySetting(port, mesh, applied.before, never)).changed,
        true,
      );
      const back = expectValue(await port.readState(mesh, never));
      assert.ok(back.hardInterfaces.some(({ name }) => name === hardInterface));
    },
  },
  {
    claim: "leaves alone what somebody else has changed since",
    changes: true,
    async check({ port, mesh }) {
      const ours: Setting = { kind: "mesh-hop-penalty", hopPenalty: 50 };
      const theirs: Setting = { kind: "mesh-hop-penalty", hopPenalty: 60 };
      const { before } = expectValue(await applySetting(port, mesh, ours, never));
      expectValue(await applySetting(port, mesh, theirs, never));
      const undone = await applySetting(port, mesh, before, never, ours);
      assertFault(undone, "E_SETTING_SUPERSEDED");
      const { settings } = expectValue(await port.readState(mesh, never));
      assert.equal(settings.hopPenalty, 60);
      expectValue(await applySetting(port, mesh, before, never));
    },
  },
  {
    claim: "refuses interfaces that are not in the mesh, and values batman-adv would bend",
    changes: true,
    async check({ port, mesh, hardInterface }) {
      const on = (name: string): Setting => ({
        kind: "interface-hop-penalty",
        interface: name,
        hopPenalty: 20,
      });
      assertFault(await port.set(mesh, on("lo"), never), "E_NO_SUCH_INTERFACE");
      assertFault(await port.set(mesh, on("nosuch0"), never), "E_NO_SUCH_INTERFACE");
      const bent: readonly Setting[] = [
        { kind: "throughput-override", interface: hardInterface, throughputKbps: 1 },
        { kind: "mesh-hop-penalty", hopPenalty: 300 },
        { kind: "originator-interval", intervalMs: 1 },
      ];
      for (const setting of bent) {
        assertFault(await applySetting(port, mesh, setting, never), "E_INVALID_SETTING");
      }
    },
  },
];

export const batmanPortClaims: readonly Claim[] = [...reading, ...writing];

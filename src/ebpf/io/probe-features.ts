/** Asks the kernel, by trying, for what the programs of bpf/ need. */

import { existsSync } from "node:fs";
import type { Feature, FeatureAnswer } from "../index.ts";
import type { NativeProbes, NativeResult } from "./native-contract.ts";

/** linux/bpf.h: `enum bpf_prog_type`, `enum bpf_map_type`, `enum bpf_func_id`. */
const program = { xdp: 6 } as const;
const map = { hash: 1, lruHash: 9, ringBuffer: 27 } as const;
const helper = { timerInit: 169 } as const;

function answerOf(result: NativeResult<boolean>, needs: string): FeatureAnswer {
  if (result.ok) return result.value ? { kind: "yes" } : { kind: "no", needs };
  const { error } = result;
  if (error.missingCapabilities.length > 0) {
    return { kind: "no", needs: error.missingCapabilities.join(", ") };
  }
  // libbpf answers EOPNOTSUPP where it does not know how to try.
  return { kind: "unknown", why: `${error.name}, ${error.message}` };
}

export function probeFeatures(native: NativeProbes): readonly Feature[] {
  const feature = (name: string, purpose: string, answer: FeatureAnswer): Feature => ({
    name,
    purpose,
    answer,
  });
  const counting = "loss, duplicates and silence of neighbours, seen in the kernel";
  const latency = "queueing latency and the reasons of drops";
  const hasTypes: FeatureAnswer = existsSync("/sys/kernel/btf/vmlinux")
    ? { kind: "yes" }
    : { kind: "no", needs: "a kernel with CONFIG_DEBUG_INFO_BTF" };
  return [
    feature("xdp", counting, answerOf(native.probeProgramType(program.xdp), "CONFIG_BPF_SYSCALL")),
    feature("hash-maps", counting, answerOf(native.probeMapType(map.hash), "CONFIG_BPF_SYSCALL")),
    feature("lru-maps", counting, answerOf(native.probeMapType(map.lruHash), "Linux 4.10")),
    feature("ring-buffer", counting, answerOf(native.probeMapType(map.ringBuffer), "Linux 5.8")),
    feature(
      "timers",
      counting,
      answerOf(native.probeHelper(program.xdp, helper.timerInit), "Linux 5.15"),
    ),
    feature("types", latency, hasTypes),
  ];
}

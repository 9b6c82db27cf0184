/** A UUID that no plan and no apply prints. */
import { Bytes } from "@cdktf/provider-random/lib/bytes";
import { Fn } from "cdktf";
import type { Construct } from "constructs";

/** Cut from random bytes: `random_uuid` shows its value, as its id, in every plan (measured). */
export function secretUuid(scope: Construct, id: string): string {
  const { hex } = new Bytes(scope, id, { length: 16 });
  const part = (offset: number, length: number): string => Fn.substr(hex, offset, length);
  return [part(0, 8), part(8, 4), part(12, 4), part(16, 4), part(20, 12)].join("-");
}

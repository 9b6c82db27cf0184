/** A UUID that no plan and no apply prints. */
import { Bytes } from "@cdktf/provider-random/lib/bytes";
import { Fn, type TerraformResourceLifecycle } from "cdktf";
import type { Construct } from "constructs";

export interface SecretUuid {
  /** Sensitive. */
  readonly uuid: string;
  /** The bytes that it is cut from, for a hash that tells when it changed. Sensitive. */
  readonly hex: string;
}

/** Cut from random bytes: `random_uuid` shows its value, as its id, in every plan and apply (measured). */
export function secretUuid(scope: Construct, id: string, lifecycle?: TerraformResourceLifecycle): SecretUuid {
  const { hex } = new Bytes(scope, id, { length: 16, lifecycle });
  const part = (offset: number, length: number): string => Fn.substr(hex, offset, length);
  return { hex, uuid: [part(0, 8), part(8, 4), part(12, 4), part(16, 4), part(20, 12)].join("-") };
}
